//! The state file: where it is, how it is laid out, and how it is replaced in one step.
//!
//! ```text
//! "authtail" version:u32 listed:u64 (s) length:u64 hash:u64 contents      (little endian)
//! ```

use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tracing::{info, warn};
use xxhash_rust::xxh3::xxh3_64;

const MAGIC: &[u8; 8] = b"authtail";
/// Of the layout and of everything inside.
const VERSION: u32 = 2;
/// No state is larger; the memory of one container's records is at most about 4 MiB.
const MAX_SIZE: u64 = 1 << 30;
/// Where the image and packages have a folder for it.
const SYSTEM: &str = "/var/lib/authtail";

/// Why the process cannot begin.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateError {
    /// Two of them would undo each other's work.
    #[error(
        "another authtail uses the state file `{}`; stop it, or choose another file with `--state.file`",
        .0.display()
    )]
    InUse(PathBuf),
}

/// Where the key of the marks is, if the exporter of the same settings keeps one.
pub(crate) fn key_of(asked: Option<&Path>) -> Option<PathBuf> {
    match asked {
        Some(path) if path.as_os_str().is_empty() => None,
        Some(path) => Some(beside(path, ".key")),
        None => {
            let home = std::env::var_os("XDG_STATE_HOME").filter(|home| !home.is_empty());
            let home = home.map(|home| Path::new(&home).join("authtail"));
            let folders = [Some(PathBuf::from(SYSTEM)), home].into_iter().flatten();
            folders
                .map(|folder| beside(&folder.join("state"), ".key"))
                .find(|key| File::open(key).is_ok())
        }
    }
}

/// What is wrong with the bytes of a file.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum FormatError {
    #[error("it is no state of authtail")]
    Foreign,
    #[error(
        "it was written by a newer authtail (version {0} of the layout, this one knows {VERSION})"
    )]
    Newer(u32),
    #[error(
        "it was written by an older authtail (version {0} of the layout, this one knows {VERSION})"
    )]
    Older(u32),
    #[error("it is damaged")]
    Damaged,
}

/// A file that only this process writes.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    /// Held for as long as the process lives.
    lock: Option<File>,
}

impl StateFile {
    /// The file that was asked for, else the first place that can be written. An empty path means
    /// that none is wanted.
    pub(crate) fn open(asked: Option<&Path>) -> Result<Option<Self>, StateError> {
        match asked {
            Some(path) if path.as_os_str().is_empty() => {
                info!("not keeping numbers over a restart: switched off");
                Ok(None)
            }
            Some(path) => {
                if let Some(folder) = path.parent() {
                    // If it fails, saving fails too, and says why.
                    drop(fs::create_dir_all(folder));
                }
                Self::locked(path.to_owned()).map(Some)
            }
            None => Self::default_place(),
        }
    }

    fn default_place() -> Result<Option<Self>, StateError> {
        let home = std::env::var_os("XDG_STATE_HOME").filter(|home| !home.is_empty());
        let home = home.map(|home| {
            let folder = Path::new(&home).join("authtail");
            drop(fs::create_dir_all(&folder));
            folder
        });
        for folder in [Some(PathBuf::from(SYSTEM)), home].into_iter().flatten() {
            let file = Self::locked(folder.join("state"))?;
            if file.lock.is_some() {
                return Ok(Some(file));
            }
        }
        info!(
            "not keeping numbers over a restart: {SYSTEM} cannot be written and XDG_STATE_HOME names \
             no other place; choose one with `--state.file`"
        );
        Ok(None)
    }

    fn locked(path: PathBuf) -> Result<Self, StateError> {
        let lock = File::create(beside(&path, ".lock")).ok();
        match lock.as_ref().map(File::try_lock) {
            Some(Err(TryLockError::WouldBlock)) => Err(StateError::InUse(path)),
            _ => Ok(Self { path, lock }),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the key of the marks is kept.
    pub(crate) fn key(&self) -> PathBuf {
        beside(&self.path, ".key")
    }

    /// What the file holds, and when containers were listed last. A file that cannot be read is set aside.
    pub(super) fn read(&self) -> Option<(SystemTime, Vec<u8>)> {
        let read = fs::metadata(&self.path).and_then(|metadata| {
            if metadata.len() > MAX_SIZE {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            fs::read(&self.path)
        });
        let problem = match read {
            Ok(bytes) => match parse(&bytes) {
                Ok((listed, contents)) => return Some((listed, contents.to_vec())),
                Err(error) => error.to_string(),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => format!("it cannot be read: {error}"),
        };
        self.set_aside(&problem);
        None
    }

    /// Keeps a file that is of no use to us from being overwritten.
    pub(super) fn set_aside(&self, problem: &str) {
        let place = beside(&self.path, ".bad");
        let (file, to) = (self.path.display(), place.display());
        match fs::rename(&self.path, &place) {
            Ok(()) => warn!(%file, %to, "the state was set aside, beginning at zero: {problem}"),
            Err(error) => {
                warn!(%file, %error, "the state cannot be set aside, beginning at zero: {problem}");
            }
        }
    }

    /// Replaces the file in one step, so that there is a whole one at every moment. `listed` is when
    /// the containers were last listed.
    pub(super) fn write(&self, contents: &[u8], listed: SystemTime) -> io::Result<()> {
        let listed = listed.duration_since(SystemTime::UNIX_EPOCH);
        let temporary = beside(&self.path, ".tmp");
        let written = write(&temporary, listed.unwrap_or_default(), contents);
        if let Err(error) = written {
            // A part of it is of no use, and the disk may be full.
            drop(fs::remove_file(&temporary));
            return Err(error);
        }
        fs::rename(&temporary, &self.path)?;
        // Else the new name may not survive a loss of power.
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => File::open(folder)?.sync_all(),
            _ => File::open(".")?.sync_all(),
        }
    }
}

fn write(path: &Path, listed: Duration, contents: &[u8]) -> io::Result<()> {
    // It may hold the beginning of a line that has no end yet.
    let mut file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(MAGIC)?;
    file.write_all(&VERSION.to_le_bytes())?;
    file.write_all(&listed.as_secs().to_le_bytes())?;
    file.write_all(&(contents.len() as u64).to_le_bytes())?;
    file.write_all(&xxh3_64(contents).to_le_bytes())?;
    file.write_all(contents)?;
    file.sync_all()
}

/// Splits the bytes of a file into the time of the last list and the contents.
pub(crate) fn parse(bytes: &[u8]) -> Result<(SystemTime, &[u8]), FormatError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(FormatError::Foreign)?;
    let (version, rest) = rest.split_first_chunk().ok_or(FormatError::Damaged)?;
    match u32::from_le_bytes(*version) {
        VERSION => {}
        newer if newer > VERSION => return Err(FormatError::Newer(newer)),
        0 => return Err(FormatError::Damaged),
        older => return Err(FormatError::Older(older)),
    }
    let (listed, rest) = rest.split_first_chunk().ok_or(FormatError::Damaged)?;
    let (length, rest) = rest.split_first_chunk().ok_or(FormatError::Damaged)?;
    let (hash, contents) = rest.split_first_chunk().ok_or(FormatError::Damaged)?;
    let is_whole = contents.len() as u64 == u64::from_le_bytes(*length)
        && xxh3_64(contents) == u64::from_le_bytes(*hash);
    let listed = Duration::from_secs(u64::from_le_bytes(*listed));
    let listed = SystemTime::UNIX_EPOCH.checked_add(listed);
    match (listed, is_whole) {
        (Some(listed), true) => Ok((listed, contents)),
        _ => Err(FormatError::Damaged),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}
