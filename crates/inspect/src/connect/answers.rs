//! Who may be asked: a connection of ours, or one that somebody else opened and keeps.

use super::{Answer, AskError, Connection};

/// Brings a server's answers. Everything that looks at a server or acts on it goes through this, so that it does the same
/// over a [`Connection`] and over that of a framework.
pub trait Answers {
    /// Puts statements that return rows, where possible all in one round trip and one snapshot: one answer each, in order.
    ///
    /// # Errors
    /// The first error of the server, a lost connection, an answer out of shape, too slow.
    fn answers(&mut self, statements: &[&str]) -> impl Future<Output = Result<Vec<Answer>, AskError>>;

    /// The server's major version; 0 where it is not known.
    fn major(&self) -> u32;
}

impl Answers for Connection {
    async fn answers(&mut self, statements: &[&str]) -> Result<Vec<Answer>, AskError> {
        let answers = self.ask(&statements.join(";")).await?;
        if answers.len() != statements.len() {
            return Err(AskError::Shape(format!(
                "{} answers to {} questions",
                answers.len(),
                statements.len()
            )));
        }
        Ok(answers)
    }

    fn major(&self) -> u32 {
        self.major()
    }
}

/// One statement's answer.
///
/// # Errors
/// As [`Answers::answers`].
pub(crate) async fn one(server: &mut impl Answers, statement: &str) -> Result<Answer, AskError> {
    let answer = server.answers(&[statement]).await?.pop();
    answer.ok_or_else(|| AskError::Shape("a question without an answer".into()))
}
