//! `[target.NAME]`: a server that `status` and its like look at. The proxy does not read it.

use super::*;

section! {
    /// `[target.NAME]`: what `--target NAME` stands for.
    Target Target(name: Arc<str> = "NAME.") {
        dsn: Option<SecretText> = "", Reload, OURS,
            "Connection string: postgres://USER@HOST:PORT/DBNAME or \"host=... user=...\". Read when the target is used.";
        protected: bool = "false", Reload, OURS,
            "Commands that change anything on the server want its name repeated first.";
    }
}
