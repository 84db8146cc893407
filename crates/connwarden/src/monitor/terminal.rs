//! The terminal: taken, and given back whatever happens.

use std::io::{self, BufWriter, Stdout, Write};
use std::panic;

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
        let bytes = &text.as_bytes()[..text.len().min(COPY_BYTES_MAX)];
        let mut out = io::stdout().lock();
        write!(out, "\u{1b}]52;c;{}\u{7}", base64(bytes))?;
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

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut group = 0_u32;
        for at in 0..3 {
            group = group << 8 | u32::from(chunk.get(at).copied().unwrap_or(0));
        }
        for at in 0..4 {
            let sextet = group >> (18 - 6 * at) & 63;
            text.push(if at <= chunk.len() { char::from(ALPHABET[sextet as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::base64;

    #[test]
    fn the_clipboard_gets_base64() {
        let said: Vec<String> = ["", "f", "fo", "foo", "foob"].map(|text| base64(text.as_bytes())).into();
        assert_eq!(said, ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg=="]);
    }
}
