//! What the tests of the login share: a world of their own, and one thread to wait on.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use inspect::connect::{self, ConnectError, Connection, Machine};
use inspect::settings::{Dsn, Environment, File, Request, Settings};
use testbed::Folder;

/// A home directory and variables; files are the machine's.
pub(crate) struct Home {
    pub(crate) folder: Folder,
    pub(crate) variables: BTreeMap<String, String>,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: Folder::create().unwrap(), variables: BTreeMap::new() }
    }

    pub(crate) fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    pub(crate) fn settings(&self, dsn: &str) -> Settings {
        self.try_settings(Some(dsn)).unwrap_or_else(|why| panic!("{dsn}: {why}"))
    }

    pub(crate) fn try_settings(&self, dsn: Option<&str>) -> Result<Settings, String> {
        let dsn = dsn.map(|text| Dsn::new(text, "--dsn"));
        let request = Request { dsn, ..Request::default() };
        Settings::resolve(&request, self).map_err(|error| error.to_string())
    }
}

impl Environment for Home {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }
    fn home(&self) -> Option<PathBuf> {
        Some(self.folder.path().to_owned())
    }
    fn user(&self) -> Option<String> {
        Machine.user()
    }
    fn file(&self, path: &Path) -> File {
        Machine.file(path)
    }
    fn exists(&self, path: &Path) -> bool {
        Machine.exists(path)
    }
}

/// Runs to the end.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

pub(crate) fn open(settings: &Settings) -> Result<Connection, ConnectError> {
    block_on(connect::open(settings, "psql"))
}

/// The first column of the only row, over a connection of its own.
pub(crate) fn ask(settings: &Settings, sql: &str) -> Result<String, ConnectError> {
    block_on(async {
        let mut connection = connect::open(settings, "psql").await?;
        let answers = connection.ask(sql).await.unwrap();
        let row = answers[0].only().unwrap();
        let value = row.text(&answers[0].columns()[0]).unwrap().unwrap_or("").to_owned();
        connection.close().await;
        Ok(value)
    })
}
