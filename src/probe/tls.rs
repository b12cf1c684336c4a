//! How the other end of a probe is recognised; with `mark` and `key`, all that knows cryptography.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{
    CertificateDer, InvalidDnsNameError, PrivateKeyDer, ServerName, UnixTime,
};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use super::spec::Tls;

/// Why a connection is not encrypted.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsError {
    #[error("cannot use the certificates or the key in `{0}`")]
    File(String, #[source] pem::Error),
    #[error("`{0}` is no name that a certificate can have")]
    Name(String, #[source] InvalidDnsNameError),
    #[error("the settings do not fit together")]
    Settings(#[from] Error),
    #[error("no agreement with the server")]
    Handshake(#[source] io::Error),
}

/// Makes an encrypted connection to a host out of a plain one. Files are read anew each time, because
/// they are replaced before certificates end.
pub(super) async fn handshake(
    options: &Tls,
    host: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, TlsError> {
    let name = options.server_name.as_deref().unwrap_or(host);
    let server = ServerName::try_from(name.to_owned());
    let server = server.map_err(|error| TlsError::Name(name.to_owned(), error))?;
    let connector = TlsConnector::from(Arc::new(settings(options)?));
    let connected = connector.connect(server, stream).await;
    connected.map_err(TlsError::Handshake)
}

fn settings(options: &Tls) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions()?;
    let builder = if options.is_unverified {
        let verifier = Arc::new(Anybody(provider));
        builder
            .dangerous()
            .with_custom_certificate_verifier(verifier)
    } else {
        builder.with_root_certificates(roots(options.ca_file.as_deref())?)
    };
    let Some((certificates, key)) = &options.own else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates_in(certificates)?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|error| in_file(key, error))?;
    Ok(builder.with_client_auth_cert(chain, key)?)
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    if let Some(file) = ca_file {
        for certificate in certificates_in(file)? {
            roots.add(certificate)?;
        }
    }
    Ok(roots)
}

fn certificates_in(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let certificates: Vec<_> = read.map_err(|error| in_file(file, error))?;
    if certificates.is_empty() {
        return Err(in_file(file, pem::Error::NoItemsFound));
    }
    Ok(certificates)
}

fn in_file(file: &Path, error: pem::Error) -> TlsError {
    TlsError::File(file.display().to_string(), error)
}

/// Trusts whoever answers, as `insecure_skip_verify` demands; signatures are still checked.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
