//! Each fault is caused, told to the right receiver with the right labels, mended, and told again. All at the same
//! time, each of a source of its own.

use std::collections::BTreeSet;

use super::chain::Chain;
use super::exporters::Exporters;
use super::faults::Services;
use super::probed::Probed;
use super::service::Service;
use super::sink::Notification;
use super::told::Told;
use crate::docker::lab::Lab;

#[tokio::test]
async fn every_fault_is_told_to_the_right_people_and_so_is_its_end() {
    let lab = Lab::new().await;
    let (probed, mut exporters) = tokio::join!(Probed::start(), Exporters::start());
    let chain = Chain::start(&lab, &probed.settings(), &exporters.addresses()).await;
    // What it logs has nothing to do with what is asked in its name.
    let gateway = Service::start(&lab, "gateway", &[]).await;
    gateway.answers("print 2 200");
    let services = Services::new(&lab, &chain, &probed);
    let (of_services, of_probes, of_exporters, watchdog) = tokio::join!(
        services.fail(),
        probed.fail(&chain),
        exporters.fail(&chain),
        chain.until_told("Watchdog", "", "firing"),
    );
    assert_eq!(watchdog.receiver, "deadman");
    let (_services, of_services): (Vec<_>, Vec<_>) = of_services.into_iter().unzip();
    let told = || of_services.iter().chain(&of_probes).chain(&of_exporters);

    // Nothing else was told to anybody: what was inhibited stayed so to its end.
    let name = |one: &Notification| {
        let labels = ["alertname", "source"].map(|label| one.label(label).to_owned());
        (one.receiver.clone(), labels, one.status.clone())
    };
    let notifications = told().flat_map(|told| [&told.firing, &told.resolved]);
    let expected: BTreeSet<_> = notifications.chain([&watchdog]).map(name).collect();
    let all: BTreeSet<_> = chain.sink.received().iter().map(name).collect();
    let [odd, missing] = [&all - &expected, &expected - &all];
    assert!(
        odd.is_empty() && missing.is_empty(),
        "not expected: {odd:#?}, missing: {missing:#?}"
    );

    // The table of the README is what was measured.
    let measured = told().map(|told| (told.firing.label("alertname"), told.took));
    let measured: Vec<_> = measured.collect();
    assert!(told().all(Told::is_as_said), "{measured:#?}");
}
