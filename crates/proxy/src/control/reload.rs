//! A new configuration, from a signal, RELOAD or SET: made to fit what can't change any more, then put in force.

use std::path::Path;
use std::sync::Arc;

use model::catalog::{self, Change, Section};
use model::config::checked::Config;
use model::config::load::{self, Outside, Override};
use model::config::report::Place;
use tokio::sync::mpsc::UnboundedReceiver;

use super::hub::Hub;
use crate::door::limits;

/// Carries out what SIGHUP wishes.
pub(super) async fn watch(hub: Arc<Hub>, mut wishes: UnboundedReceiver<()>) {
    while wishes.recv().await.is_some() {
        // Said in the log already.
        let _ = hub.reload().await;
    }
}

/// Why a SET changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSet {
    /// No setting of this name.
    #[error("there is no setting \"{0}\"")]
    Unknown(String),
    /// It only counts from the next start on.
    #[error("\"{0}\" only changes at the next start")]
    Boot(&'static str),
    /// It stands for a file that a SET does not read.
    #[error("\"{0}\" only changes with a RELOAD")]
    File(&'static str),
    /// The value is not one, or does not fit the others.
    #[error("{0}")]
    Refused(String),
}

impl Hub {
    /// Reads the configuration again and puts it in force. A configuration that is refused changes nothing.
    ///
    /// # Errors
    /// What is wrong with it; the log says it, too.
    pub async fn reload(self: &Arc<Self>) -> Result<(), String> {
        let _alone = self.reloading.lock().await;
        let hub = self.clone();
        let read = tokio::task::spawn_blocking(move || hub.read_again()).await;
        let read = read.unwrap_or_else(|error| Err(format!("the reload has failed: {error}")));
        let config = read.and_then(|config| self.fitted(config));
        match config {
            Ok(config) => {
                self.configure(config);
                Ok(())
            }
            Err(text) => {
                tracing::error!("RELOAD Failed, the old configuration stays in force: {text}");
                Err(text)
            }
        }
    }

    /// Changes one setting until the next reload.
    ///
    /// # Errors
    /// Why it is as it was.
    pub async fn set(&self, key: &str, value: &str) -> Result<(), NotSet> {
        let _alone = self.reloading.lock().await;
        let config = changed(&self.config(), key, value)?;
        let config = self.fitted(Arc::new(config)).map_err(NotSet::Refused)?;
        self.configure(config);
        Ok(())
    }

    /// Keeps what only a start can change, and the limit of clients within that of open files.
    fn fitted(&self, config: Arc<Config>) -> Result<Arc<Config>, String> {
        let old = self.config();
        let mut config = Arc::unwrap_or_clone(config);
        for key in old.boot_changes(&config) {
            tracing::warn!("{key} has changed and counts from the next start on");
        }
        config.keep_boot_settings(&old);
        let fitting =
            limits::clients_that_fit(&config, self.descriptors()).map_err(|error| error.to_string())?;
        if fitting < config.proxy.max_client_conn {
            tracing::warn!(
                "max_client_conn is lowered to {fitting}: more do not fit the limit of open files"
            );
            config.proxy.max_client_conn = fitting;
        }
        Ok(Arc::new(config))
    }
}

/// The present configuration with one value changed, checked as a whole.
fn changed(config: &Config, key: &str, value: &str) -> Result<Config, NotSet> {
    let key = key.to_ascii_lowercase();
    let setting =
        [Section::Proxy, Section::Admin].into_iter().find_map(|section| catalog::find(section, &key));
    let setting = setting.ok_or(NotSet::Unknown(key))?;
    match setting.change {
        Change::Boot => return Err(NotSet::Boot(setting.key)),
        Change::Reload if setting.key == "auth_file" => return Err(NotSet::File(setting.key)),
        Change::Reload => {}
    }
    let given = Override {
        section: setting.section,
        key: setting.key.into(),
        text: value.into(),
        place: Place::CommandLine("SET".into()),
    };
    let loaded = load::load_made(config.clone(), "SET", &[given], &AsItWas);
    loaded.map(|loaded| loaded.config).map_err(|report| NotSet::Refused(report.to_string()))
}

/// What a SET finds outside: nothing new.
struct AsItWas;

impl Outside for AsItWas {
    fn env(&self, _: &str) -> Option<String> {
        None
    }
    fn secret(&self, path: &Path) -> Result<String, String> {
        Err(format!("{} is not read by SET", path.display()))
    }
    fn userlist(&self, _: &Path) -> Result<Vec<(String, String)>, String> {
        Ok(Vec::new())
    }
    fn open_to_others(&self, _: &Path) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_fits_is_taken_and_the_rest_stays() {
        let config = Config::for_tests();
        let new = changed(&config, "Default_Pool_Size", "7").expect("it fits");
        assert_eq!(new.proxy.default_pool_size, 7);
        assert_eq!(new.users, config.users);
    }

    #[test]
    fn what_would_not_take_effect_is_refused() {
        let config = Config::for_tests();
        assert_eq!(changed(&config, "listen_port", "7"), Err(NotSet::Boot("listen_port")));
        assert_eq!(changed(&config, "auth_file", "x"), Err(NotSet::File("auth_file")));
        assert_eq!(changed(&config, "nonsense", "7"), Err(NotSet::Unknown("nonsense".into())));
        assert!(matches!(changed(&config, "default_pool_size", "0"), Err(NotSet::Refused(_))));
        assert!(matches!(changed(&config, "default_pool_size", "many"), Err(NotSet::Refused(_))));
    }
}
