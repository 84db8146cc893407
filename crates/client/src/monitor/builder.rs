//! What a monitor is made of.

use std::fmt;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use inspect::census::Plan;
use inspect::checks::{Id, Limits};
use inspect::connect::Machine;
use inspect::report::{Failure, FailureReport};
use inspect::settings::{Dsn, Request, Settings, SettingsError};
use thiserror::Error;
use wire::auth::secret::Password;

use super::eye::{APPLICATION, Aim, Eye};
use super::{Inner, Monitor};
use crate::scope::ScopeSettings;
use crate::{PoolStats, ScopeReport};

/// Why there is no monitor. Never quotes a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}: {fix}", fix = .0.fix)]
pub struct BuildError(#[source] SettingsError);

/// What a monitor is made of. See [`Monitor::builder`].
#[must_use = "a builder does nothing until it builds"]
pub struct Builder {
    dsn: Option<Password>,
    application: Option<String>,
    timeout: Option<Duration>,
    cache_for: Duration,
    answer_within: Duration,
    limits: Limits,
    checks: Option<Vec<Id>>,
    plan: Option<Plan>,
    pools: Vec<Arc<dyn PoolStats>>,
    scopes: ScopeSettings,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            dsn: None,
            application: None,
            timeout: None,
            cache_for: Duration::from_secs(1),
            answer_within: Duration::from_secs(2),
            limits: Limits::default(),
            checks: None,
            plan: None,
            pools: Vec::new(),
            scopes: ScopeSettings::default(),
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder").finish_non_exhaustive()
    }
}

impl Builder {
    /// The server: a URL or `host=... user=...`, as libpq has it; without, `PG*` variables and `$DATABASE_URL` say. What it
    /// leaves out comes from `PG*` variables, the password also from the password file. Parameters that are not libpq's are
    /// refused.
    pub fn dsn(mut self, dsn: impl AsRef<str>) -> Self {
        self.dsn = Some(Password::new(dsn.as_ref()));
        self
    }

    /// The server that `PG*` variables and `$DATABASE_URL` name. In the URL, parameters of drivers are passed over.
    pub fn from_env(mut self) -> Self {
        self.dsn = None;
        self
    }

    /// What `pg_stat_activity` calls the monitor's session, in place of `connwarden client`. Names that begin with
    /// `connwarden` are spared by `connwarden close-idle`, and not held against a plan.
    pub fn application(mut self, name: impl Into<String>) -> Self {
        self.application = Some(name.into());
        self
    }

    /// How long a login, and then an answer, may take. Default: `connect_timeout`, else 5 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long a look is good for. Default: 1 s. Zero: every call looks, but for those that ask while others wait.
    pub fn cache_for(mut self, time: Duration) -> Self {
        self.cache_for = time;
        self
    }

    /// The longest that [`Monitor::health`] takes. Default: 2 s.
    pub fn answer_within(mut self, time: Duration) -> Self {
        self.answer_within = time;
        self
    }

    /// Where warning and critical begin.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The checks that are run, and so what can make a status bad. Default: all but those of settings that wait for a restart,
    /// and, without a plan, of the plan. The login is always judged: who is not let in gets no further.
    pub fn checks(mut self, checks: impl IntoIterator<Item = Id>) -> Self {
        self.checks = Some(checks.into_iter().collect());
        self
    }

    /// A pool of this process. Call it for each.
    pub fn pool(mut self, pool: impl PoolStats + 'static) -> Self {
        self.pools.push(Arc::new(pool));
        self
    }

    /// What services may hold: looks then tell who holds more.
    #[cfg(feature = "plan")]
    pub fn budget(mut self, budget: &crate::Budget) -> Self {
        self.plan = Some(budget.plan());
        self
    }

    /// A scope that takes longer than this is warned of. Default: 30 s.
    pub fn warn_after(mut self, time: Duration) -> Self {
        self.scopes.warn_after = time;
        self
    }

    /// A scope during which a pool's connections in use, or all it has, grow by more than this is warned of. Default: 5.
    pub fn warn_growth(mut self, connections: u32) -> Self {
        self.scopes.warn_growth = connections;
        self
    }

    /// Is called with what each scope came to, on the thread that ends it: to count, not to wait. A panic in it is caught.
    pub fn on_scope(mut self, tell: impl Fn(&ScopeReport) + Send + Sync + 'static) -> Self {
        self.scopes.tell = Some(Box::new(tell));
        self
    }

    /// Settles everything. Dials nobody.
    ///
    /// # Errors
    /// The DSN, a variable or a service file makes no sense.
    pub fn build(self) -> Result<Monitor, BuildError> {
        let settings = self.settings().map_err(BuildError)?;
        Ok(self.of(Ok(settings)))
    }

    /// The same; what makes no sense is told by every look.
    pub(crate) fn lenient(self) -> Monitor {
        let failure = |error: SettingsError| FailureReport::new(Failure::Config, error.to_string(), None);
        let settings = self.settings().map_err(failure);
        self.of(settings)
    }

    fn settings(&self) -> Result<Settings, SettingsError> {
        let dsn = self.dsn.clone().map(|text| Dsn { text, name: "the monitor's DSN".to_owned() });
        let request = Request { dsn, timeout: self.timeout, ..Request::default() };
        let mut settings = Settings::resolve(&request, &Machine)?;
        for warning in &settings.warnings {
            tracing::warn!(warning, "connection settings");
        }
        // The service's own name would make this session one of its pool's, for filters and plans.
        settings.application = Some(self.application.clone().unwrap_or_else(|| APPLICATION.to_owned()));
        Ok(settings)
    }

    fn of(self, settings: Result<Settings, FailureReport>) -> Monitor {
        let unasked = |id: &Id| *id != Id::PendingRestart && (*id != Id::PlanExceeded || self.plan.is_some());
        let wanted = match self.checks {
            // An empty list would mean all of them.
            Some(checks) if checks.is_empty() => vec![Id::Login],
            Some(checks) => checks,
            None => Id::ALL.into_iter().filter(unasked).collect(),
        };
        let aim = Aim { settings, limits: self.limits, wanted, plan: self.plan };
        Monitor {
            inner: Arc::new(Inner {
                aim,
                pools: self.pools,
                cache_for: self.cache_for,
                answer_within: self.answer_within,
                scopes: Arc::new(self.scopes),
                eye: Arc::new(tokio::sync::Mutex::new(Eye::default())),
                latest: RwLock::new(None),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dsn_that_makes_no_sense_is_refused_and_its_password_kept() {
        for dsn in ["postgres://app:geheim@db:99999/x", "postgres://app:geheim@db/x?sslmode=maybe"] {
            let error = Monitor::builder().dsn(dsn).build().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("geheim"), "{error}");
            assert!(error.to_string().starts_with("the monitor's DSN"), "{error}");
        }
        let monitor = Monitor::builder().dsn("postgres://app:geheim@db/x?sslmode=disable").build().unwrap();
        assert!(!format!("{monitor:?}").contains("geheim"));
    }

    #[test]
    fn a_session_of_a_monitor_is_not_one_of_the_service_s() {
        let monitor = Monitor::builder().dsn("host=db application_name=api").build().unwrap();
        let settings = monitor.inner.aim.settings.as_ref().unwrap();
        assert_eq!(settings.application.as_deref(), Some("connwarden client"));
    }

    #[test]
    fn checks_of_a_plan_and_of_restarts_are_not_run_unasked() {
        let monitor = Monitor::builder().dsn("host=db").build().unwrap();
        let wanted = &monitor.inner.aim.wanted;
        assert!(!wanted.contains(&Id::PendingRestart) && !wanted.contains(&Id::PlanExceeded));
        assert_eq!(wanted.len(), Id::ALL.len() - 2);
        let none = Monitor::builder().dsn("host=db").checks([]).build().unwrap();
        assert_eq!(none.inner.aim.wanted, [Id::Login]);
    }
}
