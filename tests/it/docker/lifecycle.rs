//! Containers that start, stop, crash, are renamed and removed: what they printed is what is
//! counted.

use crate::support::exporter::Page;

use super::lab::Lab;

#[tokio::test]
async fn a_container_is_counted_through_all_that_happens_to_it() {
    let lab = Lab::new().await;
    let exporter = lab.exporter().await;
    let mut web = lab.run("web", &[], &["print 2 200", "listen"]).await;
    web.done().await;

    for _ in 0..5 {
        web.tell("print 3 401,401,500 to=both").await;
        web.docker(&["restart", "--time", "0"]).await;
        web.done().await;
    }
    for end in [&["kill"][..], &["stop", "--time", "0"]] {
        web.tell("print 3 401,401,500").await;
        web.docker(end).await;
        exporter
            .until("stopped", |page| page.running(&web.name) == Some(0.0))
            .await;
        web.docker(&["start"]).await;
        web.done().await;
    }
    web.tell("print 3 401,401,500").await;
    web.send("exit 3").await;
    web.docker(&["wait"]).await;
    web.docker(&["start"]).await;
    web.done().await;
    web.docker(&["pause"]).await;
    web.docker(&["unpause"]).await;
    web.tell("print 1 403").await;

    let page = exporter.until_lines(&web.name, 9 * 2 + 8 * 3 + 1).await;
    assert_eq!(counts(&page, &web.name), [18.0, 16.0, 1.0, 8.0]);
    assert_eq!(page.running(&web.name), Some(1.0));
}

#[tokio::test]
async fn a_container_from_before_is_counted_from_now_on() {
    let lab = Lab::new().await;
    let mut running = lab
        .run("running", &[], &["print 5 200,401", "listen"])
        .await;
    let mut stopped = lab
        .run("stopped", &[], &["print 5 200,401", "listen"])
        .await;
    let mut created = lab
        .create("created", &[], &["print 5 200,401", "listen"])
        .await;
    running.done().await;
    stopped.done().await;
    stopped.docker(&["kill"]).await;

    let exporter = lab.exporter().await;
    let (one, other) = (running.name.clone(), stopped.name.clone());
    let are_known = |page: &Page| {
        [&one, &other]
            .iter()
            .all(|name| page.requests(name, "validate", "401") == Some(0.0))
    };
    exporter.until("series at zero", are_known).await;
    stopped.docker(&["start"]).await;
    stopped.done().await;
    created.docker(&["start"]).await;
    created.done().await;
    for printer in [&mut running, &mut stopped, &mut created] {
        printer.tell("print 1 403").await;
    }
    for (name, lines, expected) in [
        (&running.name, 1, [0.0, 0.0, 1.0, 0.0]),
        (&stopped.name, 6, [3.0, 2.0, 1.0, 0.0]),
        (&created.name, 6, [3.0, 2.0, 1.0, 0.0]),
    ] {
        let page = exporter.until_lines(name, lines).await;
        assert_eq!(counts(&page, name), expected, "{name}");
    }
}

#[tokio::test]
async fn a_crash_loop_is_counted_in_full() {
    let lab = Lab::new().await;
    let exporter = lab.exporter().await;
    let options = ["--restart", "on-failure:4"];
    let web = lab
        .run("web", &options, &["print 3 500,401,401", "exit 1"])
        .await;
    let page = exporter.until_lines(&web.name, 15).await;
    assert_eq!(counts(&page, &web.name), [0.0, 10.0, 0.0, 5.0]);
}

#[tokio::test]
async fn a_recreated_container_goes_on_in_the_same_series() {
    let lab = Lab::new().await;
    let exporter = lab.exporter().await;
    for round in 1..=3 {
        let mut web = lab.run("web", &[], &["listen"]).await;
        web.tell("print 4 200,401").await;
        // The engine shows nobody the log of a container that is marked for removal (409).
        exporter.until_lines(&web.name, 4 * round).await;
        web.docker(&["rm", "-f"]).await;
    }
    let mut web = lab.run("web", &[], &["listen"]).await;
    web.tell("print 1 500").await;
    let page = exporter.until_lines(&web.name, 13).await;
    assert_eq!(counts(&page, &web.name), [6.0, 6.0, 0.0, 1.0]);
}

#[tokio::test]
async fn a_rename_moves_no_counts() {
    let lab = Lab::new().await;
    let exporter = lab.exporter().await;
    let mut web = lab.run("web", &[], &["listen"]).await;
    web.tell("print 2 200").await;
    exporter.until_lines(&web.name, 2).await;
    let other = lab.name("other");
    docker_rename(&web.name, &other).await;
    web.tell("print 2 401").await;
    let page = exporter.until_lines(&web.name, 4).await;
    assert_eq!(counts(&page, &web.name), [2.0, 2.0, 0.0, 0.0]);
    assert_eq!(page.running(&other), None);

    // Who attaches later finds the new name, and what is printed from then on.
    let later = lab.exporter().await;
    let is_known = |page: &Page| page.requests(&other, "validate", "401") == Some(0.0);
    later.until("series at zero", is_known).await;
    web.tell("print 1 500").await;
    let page = later.until_lines(&other, 1).await;
    assert_eq!(counts(&page, &other), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(page.running(&web.name), None);
}

#[tokio::test]
async fn a_container_that_removes_itself_is_counted_in_full() {
    // An engine that is busy with others has removed the log before anybody can read its end.
    let lab = Lab::alone().await;
    let exporter = lab.exporter().await;
    for number in 1..=5 {
        let what = format!("web{number}");
        let mut web = lab.run(&what, &["--rm"], &["listen"]).await;
        web.tell("print 50 200,401 to=both").await;
        exporter.until_lines(&web.name, 50).await;
        web.send("print 50 403,500 to=both").await;
        web.send("exit 0").await;
        let page = exporter.until_lines(&web.name, 100).await;
        assert_eq!(counts(&page, &web.name), [25.0; 4]);
    }
}

#[tokio::test]
async fn a_container_that_is_removed_while_it_prints_is_counted_to_its_last_line() {
    let lab = Lab::new().await;
    let exporter = lab.exporter().await;
    let web = lab.run("web", &[], &["print 1000000 401 pause=200"]).await;
    exporter
        .until("at work", |page| page.lines(&web.name) >= 500.0)
        .await;
    web.docker(&["rm", "-f"]).await;
    let gone = format!("message=\"container is gone\" container={}", web.name);
    exporter.until_log(&gone).await;
    let counted = exporter.page().await.validate(&web.name, "401");
    // It may have been ended between a line and its own note of it.
    let noted = f64::from(web.progress());
    assert!(
        counted == noted || counted == noted + 1.0,
        "{counted} of {noted}"
    );
}

async fn docker_rename(old: &str, new: &str) {
    super::lab::docker(&["rename", old, new]).await;
}

/// Requests by 200, 401, 403 and 500.
fn counts(page: &Page, container: &str) -> [f64; 4] {
    ["200", "401", "403", "500"].map(|code| page.validate(container, code))
}
