//! Exporters that are gone or see nothing.

use std::net::SocketAddr;
use std::time::SystemTime;

use super::chain::Chain;
use super::told::{Alert, Told};
use crate::support::engine::FakeEngine;
use crate::support::exporter::{Exporter, authtail};

/// One of an engine that goes away, and one that goes away itself.
pub struct Exporters {
    engine: FakeEngine,
    blind: Exporter,
    other: FakeEngine,
    gone: Exporter,
}

impl Exporters {
    pub async fn start() -> Self {
        let (engine, other) = (FakeEngine::start(), FakeEngine::start());
        Self {
            blind: Exporter::of(&engine).await,
            gone: Exporter::of(&other).await,
            engine,
            other,
        }
    }

    pub fn addresses(&self) -> [SocketAddr; 2] {
        [self.blind.address, self.gone.address]
    }

    /// What is told of the engine that crashes, and of the exporter that is killed. Afterwards both are well.
    pub async fn fail(&mut self, chain: &Chain) -> [Told; 2] {
        let Self {
            engine,
            blind,
            other,
            gone,
        } = self;
        let [blind_at, gone_at] = [blind.address, gone.address].map(|address| address.to_string());
        let engine_crashes = async {
            let labels = labels(&blind_at);
            let alert = alert("AuthtailEngineUnreachable", &labels);
            let is_seen = format!(r#"authtail_docker_up{{instance="{blind_at}"}} == 1"#);
            chain.until(&is_seen).await;
            let began = SystemTime::now();
            engine.crash();
            let firing = alert.fires(chain, began).await;
            engine.listen();
            alert.ends(chain, firing).await
        };
        let exporter_is_killed = async {
            let labels = labels(&gone_at);
            let alert = alert("AuthtailDown", &labels);
            let is_seen = format!(r#"up{{instance="{gone_at}"}} == 1"#);
            chain.until(&is_seen).await;
            let began = SystemTime::now();
            gone.signal("-KILL").await;
            let firing = alert.fires(chain, began).await;
            let host = other.socket();
            let mut again = authtail(&["--web.listen-address", &gone_at, "--state.file", ""]);
            again.arg("--docker.host").arg(host);
            *gone = Exporter::start(again).await;
            alert.ends(chain, firing).await
        };
        tokio::join!(engine_crashes, exporter_is_killed).into()
    }
}

fn labels(instance: &str) -> [(&str, &str); 3] {
    [
        ("severity", "critical"),
        ("cluster", "elsewhere"),
        ("instance", instance),
    ]
}

const fn alert<'a>(name: &'a str, labels: &'a [(&'a str, &'a str)]) -> Alert<'a> {
    Alert {
        name,
        receiver: "pager",
        source: "",
        labels,
    }
}
