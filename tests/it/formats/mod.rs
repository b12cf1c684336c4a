//! Formats of proxies, application servers and auth servers: no text of a client changes what a line says,
//! no line belongs to two of them, and what was learnt outlives the process.

mod clf;
mod hostile;
mod lines;
mod proxies;
mod resume;

#[test]
fn the_readme_names_every_format() {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));
    let readme = readme.unwrap();
    let rows = readme.lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<_> = rows.filter_map(|row| row.split('|').nth(1)).collect();
    for name in authtail::parse::Format::names() {
        let quoted = format!("`{name}`");
        assert!(rows.iter().any(|row| row.contains(&quoted)), "{name}");
    }
}
