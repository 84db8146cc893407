//! A small world for configurations: two variables, a few files.

use std::path::Path;

use model::config::load::Outside;

/// See the module.
pub(crate) struct World;

impl Outside for World {
    fn env(&self, name: &str) -> Option<String> {
        match name {
            "APP_PASSWORD" => Some("from the environment".into()),
            "EMPTY" => Some(String::new()),
            _ => None,
        }
    }
    fn secret(&self, path: &Path) -> Result<String, String> {
        match path.to_str() {
            Some("/secret" | "/open-secret") => Ok("from a file".into()),
            _ => Err(format!("{} does not exist", path.display())),
        }
    }
    fn userlist(&self, path: &Path) -> Result<Vec<(String, String)>, String> {
        match path.to_str() {
            Some("users.txt" | "open.txt") => Ok(vec![
                ("listed".into(), "secret".into()),
                ("app".into(), "not this one".into()),
                ("old".into(), "md50123456789abcdef0123456789abcdef".into()),
            ]),
            Some("broken.txt") => Err("broken.txt: line 3: the secret has no closing quote".into()),
            _ => Err(format!("{} does not exist", path.display())),
        }
    }
    fn open_to_others(&self, path: &Path) -> bool {
        matches!(path.to_str(), Some("/open-secret" | "open.txt" | "open.toml"))
    }
}
