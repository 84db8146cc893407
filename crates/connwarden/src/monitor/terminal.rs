//! The terminal: taken, and given back whatever happens.

use std::io::{self, BufWriter, Stdout, Write};
use std::panic;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{Hide, Show};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

/// Most bytes that are put into a clipboard: terminals drop longer ones without a word.
const COPY_BYTES_MAX: usize = 74_000;

/// The screen while it is ours.
pub(crate) struct Screen {
    pub(crate) terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Screen {
    /// Takes the terminal. From here on a panic gives it back before it says anything, also where panics abort.
    pub(crate) fn take() -> io::Result<Self> {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            give_back();
            before(panic);
        }));
        enable_raw_mode()?;
        let taken = execute!(io::stdout(), EnterAlternateScreen, Hide)
            .and_then(|()| Terminal::new(CrosstermBackend::new(BufWriter::new(io::stdout()))));
        match taken {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }

    /// Asks the terminal to put a text into its clipboard (OSC 52).
    pub(crate) fn copy(&mut self, text: &str) -> io::Result<()> {
        let text = &text[..text.floor_char_boundary(COPY_BYTES_MAX)];
        let mut out = io::stdout().lock();
        write!(out, "\u{1b}]52;c;{}\u{7}", BASE64.encode(text))?;
        out.flush()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Whatever fails here fails because the terminal is gone.
fn give_back() {
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Set where the test has started itself again, on a terminal of its own.
    const AGAIN: &str = "CONNWARDEN_PANIC_ON_A_TERMINAL";
    const NAME: &str =
        "monitor::terminal::tests::a_panic_gives_the_terminal_back_before_it_is_said_also_where_it_aborts";

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_is_said_also_where_it_aborts() {
        if std::env::var_os(AGAIN).is_some() {
            let say = panic::take_hook();
            // As in a release: it is said, and then nothing unwinds and nothing is dropped.
            panic::set_hook(Box::new(move |panic| {
                say(panic);
                std::process::abort();
            }));
            let _screen = Screen::take().unwrap();
            panic!("on purpose");
        }
        let me = std::env::current_exe().unwrap();
        let shell = format!(
            "stty rows 24 cols 80; stty -a; {AGAIN}=1 '{}' --exact {NAME} --nocapture; stty -a",
            me.display()
        );
        let ran = Command::new("script")
            .args(["-qec", &shell, "/dev/null"])
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&ran.stdout).into_owned();
        let (before, rest) = out.split_once("\u{1b}[?1049h").expect("it was taken");
        let (_, after) = rest.split_once("\u{1b}[?1049l").expect("it was given back");
        assert!(after.contains("on purpose"), "said on the ordinary screen: {out:?}");
        // `stty -a` from its first line to its last.
        let settings = |text: &str| {
            let from = text.find("speed ").expect("what stty says");
            let to = from + text[from..].find("echoke").expect("its end");
            text[from..to].to_owned()
        };
        assert_eq!(settings(after), settings(before));
    }
}
