//! Where the engine is: the address that the docker command line would use.

use std::fmt;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

const DEFAULT_SOCKET: &str = "/var/run/docker.sock";
const DEFAULT_PORT: u16 = 2375;
/// A host that drops packets would otherwise be noticed after two minutes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The address of an engine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Endpoint {
    /// A unix socket.
    Unix(PathBuf),
    /// `host:port`, without TLS.
    Tcp(String),
}

/// Why an address cannot be used.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum EndpointError {
    /// A scheme that would need encryption or a helper program.
    #[error(
        "`{0}` is not supported: give `unix:///path` or `tcp://host:port`, and put a TLS or SSH \
         tunnel in front of a remote engine"
    )]
    Scheme(String),
    /// `DOCKER_TLS_VERIFY` asks for TLS.
    #[error(
        "DOCKER_TLS_VERIFY is set, but TLS to the engine is not supported: unset it, or give \
         `--docker.host` the address of a local socket or tunnel"
    )]
    Tls,
    /// A docker context other than the default one is chosen.
    #[error(
        "docker context `{0}` is chosen, but contexts are not read: give its address with \
         `--docker.host` (`docker context inspect {0}` shows it)"
    )]
    Context(String),
    /// Not an address at all.
    #[error("`{0}` is not an engine address: give `unix:///path`, `/path` or `tcp://host:port`")]
    Malformed(String),
}

/// A connection to the engine.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

impl Endpoint {
    /// Opens a connection.
    pub(crate) async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        let connecting = async {
            Ok(match self {
                Self::Unix(path) => {
                    Box::new(UnixStream::connect(path).await?) as Box<dyn Connection>
                }
                Self::Tcp(address) => Box::new(TcpStream::connect(address).await?),
            })
        };
        timeout(CONNECT_TIMEOUT, connecting).await?
    }

    /// What the operator can do about a failed connection.
    pub(crate) fn hint(&self, error: &io::Error) -> String {
        match (self, error.kind()) {
            (Self::Unix(path), io::ErrorKind::PermissionDenied) => denied_hint(path),
            (Self::Unix(path), io::ErrorKind::NotFound) => format!(
                "is Docker running, and in a container, is the socket mounted? \
                 (`--volume {0}:{0}:ro`, or `--docker.host` for another address)",
                path.display()
            ),
            (Self::Unix(_), _) => "is Docker running?".to_owned(),
            (Self::Tcp(address), _) => format!("does an engine or a proxy listen on `{address}`?"),
        }
    }
}

fn denied_hint(path: &Path) -> String {
    let group = std::fs::metadata(path).map_or_else(|_| "<id>".to_owned(), |m| m.gid().to_string());
    format!(
        "the socket belongs to group {group}: add it with `--group-add {group}` \
         (`group_add: [\"{group}\"]` in compose), or use a socket proxy"
    )
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || EndpointError::Malformed(text.to_owned());
        if text.starts_with('/') {
            return Ok(Self::Unix(text.into()));
        }
        let (scheme, rest) = text.split_once("://").ok_or_else(malformed)?;
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(rest.into())),
            "tcp" | "http" => Ok(Self::Tcp(authority(rest).ok_or_else(malformed)?)),
            "fd" | "https" | "npipe" | "ssh" => Err(EndpointError::Scheme(scheme.to_owned())),
            _ => Err(malformed()),
        }
    }
}

/// `host:port` with the engine's port where none is given.
fn authority(text: &str) -> Option<String> {
    let text = text.strip_suffix('/').unwrap_or(text);
    let has_port = text
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let is_plain = !text.is_empty() && !text.contains(['/', '?', '#', '@', ' ']);
    match (is_plain, has_port) {
        (false, _) => None,
        (true, true) => Some(text.to_owned()),
        (true, false) => Some(format!("{text}:{DEFAULT_PORT}")),
    }
}

/// What decides about the address when none is configured.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// `DOCKER_HOST`.
    pub(crate) host: Option<String>,
    /// `DOCKER_CONTEXT`, else `currentContext` of the docker command line's configuration.
    pub(crate) context: Option<String>,
    /// True if `DOCKER_TLS_VERIFY` is set to something.
    pub(crate) tls: bool,
    /// `XDG_RUNTIME_DIR`, where rootless engines have their sockets.
    pub(crate) runtime_dir: Option<PathBuf>,
}

impl Surroundings {
    /// Reads the environment and the docker command line's configuration file.
    pub(crate) fn read() -> Self {
        let variable = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self {
            host: variable("DOCKER_HOST"),
            context: variable("DOCKER_CONTEXT").or_else(current_context),
            tls: variable("DOCKER_TLS_VERIFY").is_some(),
            runtime_dir: variable("XDG_RUNTIME_DIR").map(PathBuf::from),
        }
    }

    /// The addresses to try in this order; the first whose socket exists is meant.
    pub(crate) fn endpoints(
        &self,
        configured: Option<Endpoint>,
    ) -> Result<Vec<Endpoint>, EndpointError> {
        if let Some(endpoint) = configured {
            return Ok(vec![endpoint]);
        }
        if self.tls {
            return Err(EndpointError::Tls);
        }
        if let Some(host) = &self.host {
            return Ok(vec![host.parse()?]);
        }
        if let Some(context) = self.context.as_ref().filter(|name| *name != "default") {
            return Err(EndpointError::Context(context.clone()));
        }
        let mut sockets = vec![PathBuf::from(DEFAULT_SOCKET)];
        sockets.extend(self.runtime_dir.iter().map(|dir| dir.join("docker.sock")));
        sockets.push("/run/podman/podman.sock".into());
        sockets.extend(
            self.runtime_dir
                .iter()
                .map(|dir| dir.join("podman/podman.sock")),
        );
        Ok(sockets.into_iter().map(Endpoint::Unix).collect())
    }
}

/// `currentContext` in `$DOCKER_CONFIG/config.json` or `~/.docker/config.json`.
fn current_context() -> Option<String> {
    let directory = std::env::var_os("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".docker")))?;
    let text = std::fs::read(directory.join("config.json")).ok()?;
    let config: serde_json::Value = serde_json::from_slice(&text).ok()?;
    config
        .get("currentContext")?
        .as_str()
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
}

/// The endpoint to use now: the first that exists, else the first.
pub(crate) fn choose(candidates: &[Endpoint]) -> Option<&Endpoint> {
    let exists = |endpoint: &&Endpoint| match endpoint {
        Endpoint::Unix(path) => path.exists(),
        Endpoint::Tcp(_) => true,
    };
    candidates
        .iter()
        .find(exists)
        .or_else(|| candidates.first())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> String {
        match text.parse::<Endpoint>() {
            Ok(endpoint) => endpoint.to_string(),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn reads_addresses_as_the_docker_command_line_does() {
        assert_eq!(parse("unix:///run/docker.sock"), "unix:///run/docker.sock");
        assert_eq!(parse("/run/docker.sock"), "unix:///run/docker.sock");
        assert_eq!(parse("tcp://socket-proxy:2375"), "tcp://socket-proxy:2375");
        assert_eq!(parse("tcp://socket-proxy"), "tcp://socket-proxy:2375");
        assert_eq!(parse("http://10.0.0.1:80/"), "tcp://10.0.0.1:80");
        assert_eq!(parse("tcp://[::1]:2375"), "tcp://[::1]:2375");
    }

    #[test]
    fn refuses_what_it_cannot_reach_and_says_what_to_give() {
        for text in ["https://x:2376", "ssh://me@host", "npipe:////./pipe/docker"] {
            assert!(
                parse(text).contains("is not supported: give `unix:///path`"),
                "{text}"
            );
        }
        for text in [
            "",
            "docker.sock",
            "unix://docker.sock",
            "tcp://",
            "tcp://a/b",
            "x://y",
        ] {
            assert!(parse(text).contains("is not an engine address"), "{text}");
        }
    }

    #[test]
    fn prefers_the_option_then_the_environment_then_the_usual_sockets() {
        let mut around = Surroundings {
            host: Some("tcp://a:1".to_owned()),
            context: Some("laptop".to_owned()),
            tls: false,
            runtime_dir: Some("/run/user/1000".into()),
        };
        let endpoints = |around: &Surroundings, configured: Option<&str>| {
            let found = around.endpoints(configured.map(|host| host.parse().unwrap()))?;
            Ok(found.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(
            endpoints(&around, Some("tcp://b:1")),
            Ok(vec!["tcp://b:1".to_owned()])
        );
        assert_eq!(endpoints(&around, None), Ok(vec!["tcp://a:1".to_owned()]));
        around.host = None;
        assert_eq!(
            endpoints(&around, None),
            Err(EndpointError::Context("laptop".to_owned()))
        );
        around.context = Some("default".to_owned());
        let sockets = [
            "unix:///var/run/docker.sock",
            "unix:///run/user/1000/docker.sock",
            "unix:///run/podman/podman.sock",
            "unix:///run/user/1000/podman/podman.sock",
        ];
        assert_eq!(
            endpoints(&around, None),
            Ok(sockets.map(str::to_owned).to_vec())
        );
        around.tls = true;
        assert_eq!(endpoints(&around, None), Err(EndpointError::Tls));
    }
}
