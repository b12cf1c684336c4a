//! What must not be seen: tokens and keys, and where they come from.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use hyper::header::HeaderValue;

/// No token is larger; servers refuse headers well below this.
const MAX_LENGTH: u64 = 16 * 1024;

/// Where a secret is. It is read anew for each use, because files are replaced when a token ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    File(PathBuf),
    /// The name of a variable of authtail's own environment.
    Variable(String),
}

/// A text that is never shown.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Secret(String);

/// Why there is no secret; says where it should be and never what is there.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("cannot read the file `{}`: {error}", path.display())]
    File {
        path: PathBuf,
        error: std::io::Error,
    },
    #[error("the variable `{0}` is not set")]
    Variable(String),
    #[error(
        "what stands there is empty, is longer than {MAX_LENGTH} bytes or has more than one line"
    )]
    Unusable,
}

impl Origin {
    /// Reads the secret, without the blanks and line ends around it.
    pub(crate) fn read(&self) -> Result<Secret, SecretError> {
        let text = match self {
            Self::File(path) => {
                let mut text = String::new();
                let read = File::open(path)
                    .and_then(|file| file.take(MAX_LENGTH + 1).read_to_string(&mut text));
                read.map_err(|error| SecretError::File {
                    path: path.clone(),
                    error,
                })?;
                text
            }
            Self::Variable(name) => {
                let value = std::env::var(name);
                value.map_err(|_| SecretError::Variable(name.clone()))?
            }
        };
        let is_long = text.len() as u64 > MAX_LENGTH;
        let text = text.trim();
        if is_long || text.is_empty() || text.contains(['\n', '\r', '\0']) {
            return Err(SecretError::Unusable);
        }
        Ok(Secret(text.to_owned()))
    }
}

impl Secret {
    /// The value of a header, which is kept out of what hyper prints.
    pub(super) fn header(&self, prefix: &str) -> Result<HeaderValue, SecretError> {
        let value = HeaderValue::from_str(&format!("{prefix}{}", self.0));
        let mut value = value.map_err(|_| SecretError::Unusable)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// A token like this one that must not be accepted: the same claims with a made-up signature
    /// if it is a JWT, else another text.
    pub(super) fn forged(&self) -> Self {
        let parts: Vec<_> = self.0.split('.').collect();
        match parts.as_slice() {
            [head, claims, signature] if !signature.is_empty() => {
                let forged = made_up(signature.len());
                Self(format!("{head}.{claims}.{forged}"))
            }
            _ => Self(made_up(self.0.len().max(24))),
        }
    }

    /// A token for a service of which no good one is known: in the form of a JWT, so that it is
    /// refused for its signature.
    pub(super) fn forged_jwt() -> Self {
        // {"alg":"HS256","typ":"JWT"} and {"sub":"authtail-probe"}.
        let text = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhdXRodGFpbC1wcm9iZSJ9";
        Self(format!("{text}.{}", made_up(43)))
    }
}

fn made_up(length: usize) -> String {
    std::iter::repeat_with(fastrand::alphanumeric)
        .take(length)
        .collect()
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_file(text: &[u8]) -> Result<Secret, SecretError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Origin::File(file.path().to_owned()).read()
    }

    #[test]
    fn is_read_without_its_line_end() {
        assert_eq!(of_file(b" abc\r\n").unwrap(), Secret("abc".to_owned()));
    }

    #[test]
    fn what_cannot_be_used_is_named_by_its_place_only() {
        let long = vec![b'S'; 16 * 1024 + 1];
        for text in [&b""[..], b"\n", b"SECRET\nSECRET", &long] {
            let error = of_file(text).unwrap_err().to_string();
            assert!(error.starts_with("what stands there is empty"), "{error}");
        }
        let error = of_file(b"SECRET\xff").unwrap_err().to_string();
        assert!(error.starts_with("cannot read the file `"), "{error}");
        assert!(!error.contains("SECRET"), "{error}");
        let missing = Origin::Variable("AUTHTAIL_TEST_NO_SUCH_VARIABLE".to_owned());
        let error = missing.read().unwrap_err().to_string();
        assert_eq!(
            error,
            "the variable `AUTHTAIL_TEST_NO_SUCH_VARIABLE` is not set"
        );
    }

    #[test]
    fn is_not_printed() {
        let secret = Secret("SECRET".to_owned());
        let header = secret.header("Bearer ").unwrap();
        assert_eq!(format!("{secret:?} {header:?}"), "Secret(…) Sensitive");
    }

    #[test]
    fn a_forged_token_differs_in_what_makes_it_good() {
        let Secret(forged) = Secret("head.claims.signature".to_owned()).forged();
        let signature = forged.strip_prefix("head.claims.").unwrap();
        assert_eq!(signature.len(), "signature".len());
        assert_ne!(signature, "signature");
        let Secret(other) = Secret("opaque".to_owned()).forged();
        assert!(!other.contains("opaque") && other.len() == 24, "{other}");
        assert_eq!(Secret::forged_jwt().0.split('.').count(), 3);
    }
}
