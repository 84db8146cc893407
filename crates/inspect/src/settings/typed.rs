//! Settings whose values are words.

use std::fmt;

use super::error::SettingsError;
use super::words::Words;

/// What a server has to be like (`target_session_attrs`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetSession {
    /// Anything.
    #[default]
    Any,
    /// Takes writes by default.
    ReadWrite,
    /// Does not.
    ReadOnly,
    /// Not a standby.
    Primary,
    /// A standby.
    Standby,
    /// A standby, and where there is none, anything.
    PreferStandby,
}

impl TargetSession {
    pub(super) const WORDS: [(&'static str, Self); 6] = [
        ("any", Self::Any),
        ("read-write", Self::ReadWrite),
        ("read-only", Self::ReadOnly),
        ("primary", Self::Primary),
        ("standby", Self::Standby),
        ("prefer-standby", Self::PreferStandby),
    ];
}

impl fmt::Display for TargetSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::WORDS.iter().find(|(_, one)| one == self).map_or("", |(word, _)| word))
    }
}

/// Whether SCRAM is tied to the TLS connection that it runs over (`channel_binding`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ChannelBinding {
    /// Never.
    Disable,
    /// Where the server offers it.
    #[default]
    Prefer,
    /// Or no login.
    Require,
}

impl ChannelBinding {
    pub(super) const WORDS: [(&'static str, Self); 3] =
        [("disable", Self::Disable), ("prefer", Self::Prefer), ("require", Self::Require)];
}

/// A way to prove who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The server asked for nothing.
    None,
    /// The password as it is.
    Password,
    /// An MD5 of it.
    Md5,
    /// SCRAM-SHA-256, bound to the channel or not.
    Scram,
}

impl Method {
    const ALL: [Self; 4] = [Self::None, Self::Password, Self::Md5, Self::Scram];

    /// libpq's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Password => "password",
            Self::Md5 => "md5",
            Self::Scram => "scram-sha-256",
        }
    }
}

/// The methods a server may ask for (`require_auth`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequireAuth(Vec<Method>);

impl Default for RequireAuth {
    fn default() -> Self {
        Self(Method::ALL.to_vec())
    }
}

impl RequireAuth {
    /// Whether this one may be asked for.
    pub fn allows(&self, method: Method) -> bool {
        self.0.contains(&method)
    }

    /// A list of names, or of names with `!` before each.
    pub(super) fn read(words: &Words) -> Result<Self, SettingsError> {
        let Some(text) = words.text("require_auth") else { return Ok(Self::default()) };
        let mut named = Vec::new();
        let mut negated = None;
        for item in text.split(',') {
            let (not, name) = match item.strip_prefix('!') {
                Some(name) => (true, name),
                None => (false, item),
            };
            if *negated.get_or_insert(not) != not {
                let expected = "the methods that are allowed, or those that are not, each with ! before it";
                return Err(words.refused(
                    "require_auth",
                    "require_auth mixes names with and without !",
                    expected,
                ));
            }
            match Method::ALL.into_iter().find(|method| method.word() == name) {
                Some(method) => named.push(method),
                // Not spoken here: to forbid them is easy, to insist on them ends every login.
                None if matches!(name, "gss" | "sspi" | "oauth") => {}
                None => {
                    let expected = "some of password, md5, scram-sha-256, none, or each with ! before it";
                    let problem = "require_auth names a method that does not exist";
                    return Err(words.refused("require_auth", problem, expected));
                }
            }
        }
        if negated == Some(true) {
            named = Method::ALL.into_iter().filter(|method| !named.contains(method)).collect();
        }
        Ok(Self(named))
    }
}
