//! The six modes. Manual: "SSL Support", table "SSL Mode Descriptions".

use std::fmt;

/// How much TLS is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// Never.
    Disable,
    /// Only where the server insists.
    Allow,
    /// Where the server can; libpq's default.
    #[default]
    Prefer,
    /// Always. The server's certificate is looked at where there is a root certificate.
    Require,
    /// Always, with a certificate that a root certificate vouches for.
    VerifyCa,
    /// The same, and made out to the host that was asked for.
    VerifyFull,
}

/// One way to begin a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    /// Without TLS.
    Plain,
    /// With TLS, and not at all where the server has none.
    Tls,
    /// With TLS, and on in clear where the server answers that it has none.
    TlsOrPlain,
}

impl Mode {
    /// All of them, weakest first.
    pub const ALL: [Self; 6] =
        [Self::Disable, Self::Allow, Self::Prefer, Self::Require, Self::VerifyCa, Self::VerifyFull];

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }

    /// libpq's word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Disable => "disable",
            Self::Allow => "allow",
            Self::Prefer => "prefer",
            Self::Require => "require",
            Self::VerifyCa => "verify-ca",
            Self::VerifyFull => "verify-full",
        }
    }

    /// What to try, in this order: the next one where the one before was refused.
    pub const fn tries(self) -> &'static [Try] {
        match self {
            Self::Disable => &[Try::Plain],
            Self::Allow => &[Try::Plain, Try::Tls],
            Self::Prefer => &[Try::TlsOrPlain, Try::Plain],
            Self::Require | Self::VerifyCa | Self::VerifyFull => &[Try::Tls],
        }
    }

    /// A connection in clear will not do.
    pub const fn insists(self) -> bool {
        match self {
            Self::Disable | Self::Allow | Self::Prefer => false,
            Self::Require | Self::VerifyCa | Self::VerifyFull => true,
        }
    }

    /// The root certificate has to be there.
    pub const fn verifies(self) -> bool {
        match self {
            Self::Disable | Self::Allow | Self::Prefer | Self::Require => false,
            Self::VerifyCa | Self::VerifyFull => true,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_read_back_from_its_word_and_from_nothing_else() {
        for mode in Mode::ALL {
            assert_eq!(Mode::parse(mode.word()), Some(mode));
        }
        assert_eq!(Mode::parse("Require"), None);
        assert_eq!(Mode::parse(""), None);
    }

    #[test]
    fn only_a_mode_that_does_not_insist_ever_tries_in_clear() {
        for mode in Mode::ALL {
            let clear = mode.tries().iter().any(|one| matches!(one, Try::Plain | Try::TlsOrPlain));
            assert_eq!(clear, !mode.insists(), "{mode}");
        }
    }
}
