//! Finds out in which container authtail itself runs, so that it never follows its own log.

/// What the kernel says about this process.
#[derive(Debug, Default)]
pub(crate) struct Own {
    /// Full ids from the control groups.
    ids: Vec<String>,
    /// Full ids from the mount table, which name another container under `network_mode: container`:
    /// engines mount that one's `/etc/hostname` into both.
    mounted_ids: Vec<String>,
    /// Shared under `network_mode: container` as well.
    hostname: String,
    command: Vec<String>,
}

impl Own {
    /// Reads `/proc`; what cannot be read is empty.
    pub(crate) fn read() -> Self {
        let file = |path| std::fs::read_to_string(path).unwrap_or_default();
        Self::from_texts(
            &file("/proc/self/mountinfo"),
            &file("/proc/self/cgroup"),
            &file("/proc/sys/kernel/hostname"),
            &file("/proc/self/cmdline"),
        )
    }

    fn from_texts(mountinfo: &str, cgroup: &str, hostname: &str, cmdline: &str) -> Self {
        // Engines mount `…/containers/<id>/hostname` over /etc/hostname.
        let mounts = mountinfo
            .lines()
            .filter(|line| line.contains(" /etc/hostname "));
        Self {
            ids: cgroup.lines().flat_map(ids_in).map(str::to_owned).collect(),
            mounted_ids: mounts.flat_map(ids_in).map(str::to_owned).collect(),
            hostname: hostname.trim().to_owned(),
            command: cmdline.split_terminator('\0').map(str::to_owned).collect(),
        }
    }

    /// True if this is the container of this process: its control group says so, or what it may
    /// share with another container does and the command is ours too. A host name counts when it
    /// is the short form of the id, which is what engines choose unless they are told another.
    pub(crate) fn is(&self, id: &str, command: &[String]) -> bool {
        let is_short_id = self.hostname.len() >= 12 && self.hostname.bytes().all(is_hex);
        let is_named = self.mounted_ids.iter().any(|mounted| mounted == id)
            || (is_short_id && id.starts_with(&self.hostname));
        self.ids.iter().any(|own| own == id) || (is_named && self.command == command)
    }
}

/// The parts of a line that have the form of a container id: 64 hexadecimal digits.
fn ids_in(line: &str) -> impl Iterator<Item = &str> {
    line.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.len() == 64 && word.bytes().all(is_hex))
}

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const OTHER: &str = "f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    const COMMAND: &str = "/bin/authtail\0run\0";

    fn ours() -> Vec<String> {
        vec!["/bin/authtail".to_owned(), "run".to_owned()]
    }

    #[test]
    fn knows_itself_by_mount_by_control_group_and_by_host_name() {
        let mount = format!(
            "711 690 254:0 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4 /dev/vda rw\n\
             712 690 254:0 /var/lib/docker/overlay2/{OTHER}/merged / rw - overlay overlay rw"
        );
        let group = format!("5:memory:/docker/{ID}\n4:cpu:/system.slice/docker-{ID}.scope");
        for own in [
            Own::from_texts(&mount, "", "auth-monitor\n", COMMAND),
            Own::from_texts("", &group, "auth-monitor\n", COMMAND),
            Own::from_texts("", "0::/", "0123456789ab\n", COMMAND),
        ] {
            assert!(own.is(ID, &ours()), "{own:?}");
            assert!(!own.is(OTHER, &ours()), "{own:?}");
        }
    }

    #[test]
    fn does_not_take_the_container_whose_network_it_shares_for_itself() {
        let mount =
            format!("711 690 254:0 /x/containers/{ID}/hostname /etc/hostname rw - ext4 x rw");
        let own = Own::from_texts(&mount, "0::/", "0123456789ab\n", COMMAND);
        assert!(!own.is(ID, &["uvicorn".to_owned(), "app:app".to_owned()]));
    }

    #[test]
    fn outside_a_container_it_is_none() {
        for hostname in ["", "vm", "deadbeef", "web-0123456789ab"] {
            let own = Own::from_texts("", "0::/user.slice", hostname, COMMAND);
            assert!(!own.is(ID, &ours()), "{hostname}");
        }
    }
}
