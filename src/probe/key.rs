//! The key of the marks: a file beside the state, made once.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ring::rand::{SecureRandom, SystemRandom};

use super::mark::Marker;

const LENGTH: usize = 32;

/// A marker whose marks only this process knows.
pub(crate) fn of_this_process() -> Marker {
    Marker::new(&random())
}

/// The marker of the key in a file, which is made if there is none.
pub(crate) fn of_file(path: &Path) -> io::Result<Marker> {
    match read(path) {
        Ok(key) => Ok(Marker::new(&key)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make(path)?;
            // Another process may have been first.
            read(path).map(|key| Marker::new(&key))
        }
        Err(error) => Err(error),
    }
}

fn read(path: &Path) -> io::Result<[u8; LENGTH]> {
    let mut key = Vec::new();
    File::open(path)?
        .take(LENGTH as u64 + 1)
        .read_to_end(&mut key)?;
    let wrong = |_| io::Error::new(io::ErrorKind::InvalidData, "it is no key of authtail");
    key.try_into().map_err(wrong)
}

/// Puts a new key there in one step, unless there is one.
fn make(path: &Path) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{:016x}", fastrand::u64(..)));
    let written = write(name.as_ref()).and_then(|()| match fs::hard_link(&name, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    });
    // It has served its purpose, or is of no use.
    drop(fs::remove_file(&name));
    written
}

fn write(path: &Path) -> io::Result<()> {
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(&random())?;
    file.sync_all()
}

fn random() -> [u8; LENGTH] {
    let mut key = [0; LENGTH];
    let filled = SystemRandom::new().fill(&mut key);
    // A kernel that has no random bytes is none that anything can be trusted to.
    filled.expect("the system has random bytes");
    key
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::time::SystemTime;

    use super::*;
    use crate::docker::Timestamp;

    fn knows(marker: &Marker, other: &Marker) -> bool {
        let now = SystemTime::now();
        let (nonce, parameter) = marker.mark(now);
        other.find(parameter.as_bytes(), Timestamp::of(now).unwrap()) == Some(nonce)
    }

    #[test]
    fn the_first_makes_the_key_and_all_others_use_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.key");
        let (first, second) = (of_file(&path).unwrap(), of_file(&path).unwrap());
        assert!(knows(&first, &second) && knows(&second, &first));
        assert!(!knows(&first, &of_this_process()));
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_key_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.key");
        for wrong in [&b"short"[..], &[0; 33]] {
            fs::write(&path, wrong).unwrap();
            assert!(of_file(&path).is_err());
            assert_eq!(fs::read(&path).unwrap(), wrong);
        }
        assert!(of_file(&folder.path().join("missing/state.key")).is_err());
    }
}
