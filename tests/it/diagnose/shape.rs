//! The report as an interface: JSON and text against files that are reviewed when they change.

use std::fs;
use std::path::Path;

use super::{access, run};

#[tokio::test]
async fn the_report_is_as_promised() {
    let calm: String = (0..60).map(|minute| access(minute, 40, 6)).collect();
    let storm: String = (60..70).map(|minute| access(minute, 40, 38)).collect();
    let text = calm
        + &storm
        + "2026-11-21T19:10:00.000000000Z INFO: 10.0.0.1:5 - \"GET / HTTP/1.1\" 404\n";
    for format in ["json", "text"] {
        let arguments = ["-", "--format", format];
        let (exit, stdout, stderr) = run(&arguments, Some(text.as_bytes())).await;
        assert_eq!((exit, stderr.as_str()), (2, ""));
        let golden = Path::new(env!("CARGO_MANIFEST_DIR"));
        let golden = golden.join(format!("tests/testdata/diagnose.{format}"));
        if std::env::var_os("AUTHTAIL_GOLDEN").is_some() {
            fs::write(&golden, &stdout).unwrap();
        }
        assert_eq!(stdout, fs::read_to_string(golden).unwrap());
    }
}
