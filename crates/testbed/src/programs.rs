//! Where the programs are.

use std::fs;
use std::path::{Path, PathBuf};

use crate::account;
use crate::error::{Doing, Error, Result};
use crate::folder::Folder;

/// The folder of PostgreSQL's server programs: `$PG_BIN`, or the newest installed one.
pub fn postgres_bin() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os("PG_BIN") {
        return Ok(PathBuf::from(folder));
    }
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let folder = entry.path().join("bin");
            folder.join("postgres").exists().then_some((version, folder))
        })
        .collect();
    found.sort();
    found
        .pop()
        .map(|(_, folder)| folder)
        .or_else(|| in_path("postgres")?.parent().map(Path::to_owned))
        .ok_or_else(|| Error::Missing {
            program: "PostgreSQL".to_owned(),
            hint: "scripts/needs.sh installs it; PG_BIN names another folder".to_owned(),
        })
}

/// A program of PostgreSQL's clients, as `psql` or `pgbench`.
pub fn postgres_client(name: &str) -> Result<PathBuf> {
    let beside = postgres_bin()?.join(name);
    if beside.exists() {
        return Ok(beside);
    }
    in_path(name).ok_or_else(|| Error::Missing {
        program: name.to_owned(),
        hint: "scripts/needs.sh installs it".to_owned(),
    })
}

/// PgBouncer, if it is installed.
pub fn pgbouncer() -> Option<PathBuf> {
    std::env::var_os("PGBOUNCER_BIN").map(PathBuf::from).or_else(|| in_path("pgbouncer"))
}

/// The proxy under test: `$CONNWARDEN_BIN`, or the one beside the running test.
pub fn connwarden() -> Result<PathBuf> {
    let named = std::env::var_os("CONNWARDEN_BIN").map(PathBuf::from);
    let path = match named {
        Some(path) => path,
        None => profile_folder()?.join("connwarden"),
    };
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::Missing {
        program: format!("the proxy ({})", path.display()),
        hint: "build it with the tests' profile (cargo build --profile fast -p connwarden), or name one in \
               CONNWARDEN_BIN"
            .to_owned(),
    })
}

/// The build folder of the running program, as `target/fast`.
pub fn profile_folder() -> Result<PathBuf> {
    let me = std::env::current_exe().doing("asking for our own path")?;
    let folder = me
        .ancestors()
        .skip(1)
        .find(|folder| folder.file_name().is_some_and(|name| name != "deps" && name != "examples"));
    Ok(folder.unwrap_or(Path::new("/")).to_owned())
}

/// The build folder of all profiles, as `target`.
pub fn target_folder() -> Result<PathBuf> {
    Ok(profile_folder()?.parent().unwrap_or(Path::new("/")).to_owned())
}

/// A program found in `$PATH`.
pub fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// The program itself where the servers' account may run it; else a copy of it in `folder`.
pub fn runnable(program: &Path, folder: &Folder) -> Result<PathBuf> {
    if !account::is_root() || account_can_run(program) {
        return Ok(program.to_owned());
    }
    let copy = folder.join("program");
    fs::copy(program, &copy).doing(format!("copying {} to where it may be run", program.display()))?;
    Ok(copy)
}

fn account_can_run(program: &Path) -> bool {
    account::command(Path::new("test"))
        .args([Path::new("-x"), program])
        .status()
        .is_ok_and(|status| status.success())
}
