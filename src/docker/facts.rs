//! What inspect says about a container besides its log: what was deployed, and how it is doing. Pure.

use super::timestamp::Timestamp;

/// Where builders say which commit an image was made from.
pub(super) const REVISION: &str = "org.opencontainers.image.revision";
/// The longest revision that is shown; a hash has 64.
const MAX_REVISION: usize = 80;

/// Facts of one container.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Facts {
    /// `sha256:…`, whatever its name means today.
    pub(crate) image_id: String,
    /// Of the source that the image was built from.
    pub(crate) revision: Option<String>,
    pub(crate) created: Option<Timestamp>,
    /// How often the engine has started it again by itself.
    pub(crate) restarts: u64,
    pub(crate) health: Health,
    /// What its environment says about authentication.
    pub(crate) demands_auth: Option<bool>,
}

/// What the health check of a container says.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Health {
    /// It has none.
    #[default]
    Unchecked,
    /// It has come to no result yet.
    Starting,
    Healthy,
    Unhealthy,
}

impl Health {
    /// The result, if there is one.
    pub(crate) fn is_good(self) -> Option<bool> {
        match self {
            Self::Unchecked | Self::Starting => None,
            Self::Healthy => Some(true),
            Self::Unhealthy => Some(false),
        }
    }
}

/// The revision in a label, cut to what a label value may be.
pub(super) fn revision(label: &str) -> Option<String> {
    let shown = label.trim().chars().filter(|c| !c.is_control());
    let shown: String = shown.take(MAX_REVISION).collect();
    (!shown.is_empty()).then_some(shown)
}

/// What the first of these variables says that is set to something that can be understood. No other
/// variable is looked at: secrets stand beside them.
pub(super) fn demands_auth(environment: &[String], variables: &[String]) -> Option<bool> {
    variables.iter().find_map(|name| {
        // The last one counts where one is set twice.
        let value = environment.iter().rev().find_map(|entry| {
            let value = entry.strip_prefix(name.as_str())?;
            value.strip_prefix('=')
        });
        truth(value?)
    })
}

/// Reads the usual spellings of true and false.
fn truth(text: &str) -> Option<bool> {
    let text = text.trim().trim_matches(['"', '\'']).to_ascii_lowercase();
    match text.as_str() {
        "true" | "t" | "1" | "yes" | "y" | "on" | "enabled" => Some(true),
        "false" | "f" | "0" | "no" | "n" | "off" | "disabled" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(environment: &[&str]) -> Option<bool> {
        let owned = |texts: &[&str]| {
            texts
                .iter()
                .map(|&text| text.to_owned())
                .collect::<Vec<_>>()
        };
        demands_auth(
            &owned(environment),
            &owned(&["AUTH_REQUIRED", "REQUIRE_LOGIN"]),
        )
    }

    #[test]
    fn reads_the_usual_spellings() {
        for (value, expected) in [
            ("true", Some(true)),
            ("True", Some(true)),
            ("1", Some(true)),
            ("YES", Some(true)),
            ("on", Some(true)),
            ("\"true\"", Some(true)),
            ("false", Some(false)),
            (" False ", Some(false)),
            ("0", Some(false)),
            ("no", Some(false)),
            ("'off'", Some(false)),
            ("", None),
            ("maybe", None),
            ("10", None),
        ] {
            assert_eq!(
                said(&[&format!("AUTH_REQUIRED={value}")]),
                expected,
                "{value}"
            );
        }
    }

    #[test]
    fn looks_at_the_named_variables_only() {
        for (environment, expected) in [
            (
                &["OLD_AUTH_REQUIRED=true", "AUTH_REQUIRED_X=true"][..],
                None,
            ),
            (&["AUTH_REQUIRED"], None),
            (&["REQUIRE_LOGIN=no", "PATH=/bin"], Some(false)),
            (&["REQUIRE_LOGIN=no", "AUTH_REQUIRED=yes"], Some(true)),
            (&["REQUIRE_LOGIN=no", "AUTH_REQUIRED=perhaps"], Some(false)),
            (&["AUTH_REQUIRED=yes", "AUTH_REQUIRED=no"], Some(false)),
            (&["auth_required=yes"], None),
        ] {
            assert_eq!(said(environment), expected, "{environment:?}");
        }
    }

    #[test]
    fn a_revision_fits_a_label() {
        assert_eq!(revision(" 3f1c\n").as_deref(), Some("3f1c"));
        assert_eq!(revision("").as_deref(), None);
        assert_eq!(revision(&"x".repeat(1000)).unwrap().len(), MAX_REVISION);
    }
}
