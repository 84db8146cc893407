//! The ready file: where everything listens, for whoever started us with port 0 or waits for us.

use std::fmt::Write;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use crate::door::listen::At;

/// Where the process can be reached.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// By clients.
    pub listens: &'a [At],
    /// By whoever collects metrics.
    pub metrics: Option<SocketAddr>,
}

impl Places<'_> {
    /// Writes the file in one step: who sees it, sees all of it.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        fs::write(&name, self.text())?;
        fs::rename(&name, path)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for at in self.listens {
            // Writing to a String does not fail.
            let _ = writeln!(text, "listen {at}");
        }
        if let Some(metrics) = self.metrics {
            let _ = writeln!(text, "metrics {metrics}");
        }
        let _ = writeln!(text, "pid {}", std::process::id());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_per_place_and_the_process_last() {
        let listens = [At::Tcp(([127, 0, 0, 1], 6432).into()), At::Unix("/tmp/.s.PGSQL.6432".into())];
        let places = Places { listens: &listens, metrics: Some(([127, 0, 0, 1], 9930).into()) };
        let expected = format!(
            "listen tcp 127.0.0.1:6432\nlisten unix /tmp/.s.PGSQL.6432\nmetrics 127.0.0.1:9930\npid {}\n",
            std::process::id()
        );
        assert_eq!(places.text(), expected);
    }
}
