//! Log drivers and their ways: none, local, a TTY, rotation.

use super::lab::Lab;

/// 20 lines, then one that the engine cuts into three pieces.
const SHORT: &str = "print 20 200,401";
const LONG: &str = "print 1 401 width=40000";

#[tokio::test]
async fn a_log_that_cannot_be_read_is_shown_with_the_reason() {
    let lab = Lab::new().await;
    let exporter = lab.exporter().await;
    let options = ["--log-driver", "none"];
    let mut web = lab.run("web", &options, &["listen"]).await;
    web.tell(SHORT).await;
    let labels = [("container", web.name.as_str())];
    let page = exporter
        .until("unreadable and running", |page| {
            page.sum("authtail_log_readable", &labels) == Some(0.0)
                && page.running(&web.name) == Some(1.0)
        })
        .await;
    assert_eq!(page.lines(&web.name), 0.0);
    let home = exporter.get("/").await.text();
    let row = home.split("<tr>").find(|row| row.contains(&web.name));
    let reason = "not readable: configured logging driver does not support reading";
    assert!(row.unwrap().contains(reason), "{home}");
}

#[tokio::test]
async fn long_lines_of_the_default_driver_are_counted_once() {
    long_lines_are_counted_once(&["--log-driver", "json-file"]).await;
}

#[tokio::test]
async fn long_lines_of_the_local_driver_are_counted_once() {
    long_lines_are_counted_once(&["--log-driver", "local"]).await;
}

#[tokio::test]
async fn long_lines_of_a_tty_are_counted_once() {
    long_lines_are_counted_once(&["--tty"]).await;
}

async fn long_lines_are_counted_once(options: &[&str]) {
    let lab = Lab::new().await;
    let exporter = lab.exporter().await;
    let mut web = lab.run("web", options, &["listen"]).await;
    for command in [SHORT, LONG, SHORT] {
        web.tell(command).await;
    }
    let page = exporter.until_lines(&web.name, 41).await;
    let counts = ["200", "401"].map(|code| page.validate(&web.name, code));
    assert_eq!(counts, [20.0, 21.0]);
    let labels = [("container", web.name.as_str()), ("format", "uvicorn")];
    assert_eq!(page.sum("authtail_container_info", &labels), Some(1.0));

    // It does not need another line behind it.
    web.tell(LONG).await;
    let page = exporter.until_lines(&web.name, 42).await;
    assert_eq!(page.validate(&web.name, "401"), 22.0);
}

#[tokio::test]
async fn a_log_that_rotates_is_counted_exactly() {
    let lab = Lab::new().await;
    let exporter = lab.exporter().await;
    let limits = ["--log-opt", "max-size=10m", "--log-opt", "max-file=3"];
    let options = [&["--log-driver", "json-file"], &limits[..]].concat();
    let mut web = lab.run("web", &options, &["listen"]).await;
    // 24 MB at a few thousand lines a second.
    web.tell("print 24000 200,401,401 width=1000 pause=150")
        .await;
    web.tell("print 1 403").await;
    let page = exporter.until_lines(&web.name, 24_001).await;
    let counts = ["200", "401", "403"].map(|code| page.validate(&web.name, code));
    assert_eq!(counts, [8_000.0, 16_000.0, 1.0]);
}
