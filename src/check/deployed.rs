//! What the image and the command of a container say. Pure.

/// False if the name of an image no longer means it; `None` where it was not run by a name.
pub(super) fn is_current(name: &str, names: &[String]) -> Option<bool> {
    let is_id = name.is_empty()
        || name.contains('@')
        || name.starts_with("sha256:")
        || name.bytes().all(|byte| byte.is_ascii_hexdigit());
    let has_tag = name
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains(':'));
    let full = if has_tag {
        name.to_owned()
    } else {
        format!("{name}:latest")
    };
    // Podman and some engines print the registry that is meant.
    let is_same = |one: &String| *one == full || one.ends_with(&format!("/{full}"));
    (!is_id).then(|| names.iter().any(is_same))
}

/// True if a command asks uvicorn or gunicorn for a log without access lines.
pub(super) fn hides_access_lines(command: &[String]) -> bool {
    let text = command.join(" ").replace('=', " ");
    let words: Vec<_> = text.split_whitespace().collect();
    let levels = ["warning", "error", "critical"];
    let has_level = words.windows(2).any(
        |pair| matches!(pair, [flag, level] if *flag == "--log-level" && levels.contains(level)),
    );
    let is_uvicorn = words.iter().any(|word| word.ends_with("uvicorn"));
    is_uvicorn && (has_level || words.contains(&"--no-access-log"))
}

/// The port in `--port 8000`, `--port=8000`, `--bind 0.0.0.0:8000` or `0.0.0.0:8000`.
pub(super) fn port_of(command: &[String]) -> Option<u16> {
    let text = command.join(" ").replace('=', " ");
    let words: Vec<_> = text.split_whitespace().collect();
    let named = words.windows(2).find_map(|pair| match pair {
        ["--port" | "-p", port] => port.parse().ok(),
        _ => None,
    });
    named.or_else(|| {
        words
            .iter()
            .find_map(|word| word.strip_prefix("0.0.0.0:")?.parse().ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn knows_commands_that_hide_access_lines() {
        for (command, expected) in [
            ("uvicorn app:app --log-level warning", true),
            ("python -m uvicorn app:app --log-level=error", true),
            ("/venv/bin/uvicorn app:app --no-access-log", true),
            ("uvicorn app:app --log-level info", false),
            ("uvicorn app:app", false),
            ("other --log-level warning", false),
        ] {
            assert_eq!(hides_access_lines(&words(command)), expected, "{command}");
        }
    }

    #[test]
    fn finds_the_port_of_a_command() {
        for (command, expected) in [
            ("uvicorn app:app --host 0.0.0.0 --port 8000", Some(8000)),
            ("gunicorn --bind=0.0.0.0:9000 app", Some(9000)),
            ("uvicorn app:app", None),
            ("x --port many", None),
        ] {
            assert_eq!(port_of(&words(command)), expected, "{command}");
        }
    }

    #[test]
    fn knows_when_a_name_means_another_image() {
        let names = |list: &[&str]| list.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        for (name, list, expected) in [
            ("auth:1", &["auth:1"][..], Some(true)),
            ("auth", &["auth:latest"], Some(true)),
            ("auth", &["docker.io/library/auth:latest"], Some(true)),
            (
                "registry:5000/auth",
                &["registry:5000/auth:latest"],
                Some(true),
            ),
            ("auth:1", &["auth:2"], Some(false)),
            ("auth:1", &[], Some(false)),
            ("sha256:0123", &[], None),
            ("0123abcd", &[], None),
            ("auth@sha256:0123", &[], None),
        ] {
            assert_eq!(is_current(name, &names(list)), expected, "{name}");
        }
    }
}
