//! Probes over TLS: who is trusted, and who is not.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::support::engine::FakeEngine;
use crate::support::exporter::{Exporter, Page};
use crate::support::service::{Do, Service};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/testdata/tls")
        .join(name)
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file(name)).unwrap()
}

/// A server as `auth.internal`, which may ask who we are.
fn acceptor(asks: bool) -> TlsAcceptor {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap();
    let builder = if asks {
        let mut roots = RootCertStore::empty();
        roots.add(certificate("ca.pem")).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let config = builder.with_single_cert(vec![certificate("server.pem")], key);
    TlsAcceptor::from(Arc::new(config.unwrap()))
}

fn ok() -> Do {
    Do::Answer(200, String::new())
}

fn is_success(page: &Page, probe: &str) -> Option<f64> {
    page.sum("authtail_probe_success", &[("probe", probe)])
}

#[tokio::test]
async fn only_a_server_that_can_show_who_it_is_gets_the_request() {
    let engine = FakeEngine::start();
    let open = Service::encrypted(acceptor(false), |_| ok()).await;
    let asking = Service::encrypted(acceptor(true), |_| ok()).await;
    let ca = format!("ca_file: '{}'", file("ca.pem").display());
    let own = format!(
        "cert_file: '{}', key_file: '{}'",
        file("client.pem").display(),
        file("client.key").display()
    );
    let name = "server_name: auth.internal";
    let mut text = "probes:\n".to_owned();
    for (probe, service, tls) in [
        ("well", &open, format!("{ca}, {name}")),
        ("unknown_ca", &open, name.to_owned()),
        (
            "other_name",
            &open,
            format!("{ca}, server_name: other.internal"),
        ),
        ("no_name", &open, ca.clone()),
        ("unverified", &open, "insecure_skip_verify: true".to_owned()),
        ("missing", &open, "ca_file: /no/such/file".to_owned()),
        ("introduced", &asking, format!("{ca}, {name}, {own}")),
        ("stranger", &asking, format!("{ca}, {name}")),
    ] {
        let url = format!("https://{}/{probe}", service.address);
        let entry = format!("  {probe}: {{url: '{url}', tls: {{{tls}}}, interval: 1h}}\n");
        text.push_str(&entry);
    }
    let config = engine.directory().join("authtail.yml");
    fs::write(&config, text).unwrap();
    let exporter = Exporter::with(&engine, &["--config.file", config.to_str().unwrap()]).await;
    for (probe, expected) in [
        ("well", 1.0),
        ("unknown_ca", 0.0),
        ("other_name", 0.0),
        ("no_name", 0.0),
        ("unverified", 1.0),
        ("missing", 0.0),
        ("introduced", 1.0),
        ("stranger", 0.0),
    ] {
        let page = exporter
            .until(probe, |page| is_success(page, probe).is_some())
            .await;
        assert_eq!(is_success(&page, probe), Some(expected), "{probe}");
        let labels = [("probe", probe), ("phase", "tls")];
        let took = page.sum("authtail_probe_phase_seconds", &labels);
        if expected > 0.0 {
            assert!(took > Some(0.0), "{probe}");
        } else if probe != "stranger" {
            // The refusal of our own certificate comes after the handshake.
            assert_eq!(took, None, "{probe}");
            let labels = [("probe", probe), ("reason", "tls")];
            let failed = page.sum("authtail_probe_failures_total", &labels);
            assert_eq!(failed, Some(1.0), "{probe}");
        }
    }
    let mut asked: Vec<_> = [open.asked(), asking.asked()].concat();
    asked.sort_by(|one, other| one.target.cmp(&other.target));
    let targets: Vec<_> = asked.iter().map(|asked| asked.target.as_str()).collect();
    assert_eq!(targets, ["/introduced", "/unverified", "/well"]);
}
