//! A service in a real container that answers a steady stream of requests, well or badly.

use std::sync::{Arc, Mutex as Blocking};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use crate::docker::lab::{Lab, docker};
use crate::docker::printer::Printer;

/// Between two batches of requests.
const PERIOD: Duration = Duration::from_millis(500);

/// The container, and the task that keeps it at work.
pub struct Service {
    /// The container's name.
    pub name: String,
    /// What each batch is, one command of the printer a line; without it nothing is asked of the service.
    batch: Arc<Blocking<Option<String>>>,
    printer: Arc<Mutex<Printer>>,
    clients: JoinHandle<()>,
}

impl Service {
    /// Starts a container of a source, with further options.
    pub async fn start(lab: &Lab, source: &str, options: &[&str]) -> Self {
        Self::replica(lab, source, source, options).await
    }

    /// The same for one of several containers of a source.
    pub async fn replica(lab: &Lab, what: &str, source: &str, options: &[&str]) -> Self {
        let source = format!("authtail.source={source}");
        let labels = ["--label", "authtail.enable=true", "--label", &source];
        let options = [&labels, options].concat();
        let printer = lab.run(what, &options, &["listen"]).await;
        let name = printer.name.clone();
        let printer = Arc::new(Mutex::new(printer));
        let batch = Arc::default();
        let clients = tokio::spawn(ask(Arc::clone(&printer), Arc::clone(&batch)));
        Self {
            name,
            batch,
            printer,
            clients,
        }
    }

    /// From now on each batch is these commands of the printer.
    pub fn answers(&self, batch: &str) {
        *self.batch.lock().unwrap() = Some(batch.to_owned());
    }

    /// Nobody asks any more; returns when the last answer was given.
    pub async fn rests(&self) {
        *self.batch.lock().unwrap() = None;
        drop(self.printer.lock().await);
    }

    /// Runs `docker COMMAND… NAME`.
    pub async fn docker(&self, command: &[&str]) {
        docker(&[command, &[&self.name]].concat()).await;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.clients.abort();
    }
}

async fn ask(printer: Arc<Mutex<Printer>>, batch: Arc<Blocking<Option<String>>>) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let mut printer = printer.lock().await;
        // Looked up under the lock: who sees it free again after a change knows that the change is in force.
        let batch = batch.lock().unwrap().clone();
        for command in batch.iter().flat_map(|batch| batch.lines()) {
            printer.tell(command).await;
        }
    }
}
