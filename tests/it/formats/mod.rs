//! Formats of application servers and auth servers: no text of a client changes what a line says,
//! no line belongs to two of them, and what was learnt outlives the process.

mod hostile;
mod lines;
mod resume;
