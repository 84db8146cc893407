//! One line of the ledger: what is owed, and to whom.

/// What one frontend message makes the server owe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owed {
    /// ParseComplete.
    Parse,
    /// BindComplete.
    Bind,
    /// ParameterDescription, then RowDescription or NoData.
    DescribeStatement,
    /// RowDescription or NoData.
    DescribePortal,
    /// Rows, then CommandComplete, EmptyQueryResponse or PortalSuspended; or a COPY.
    Execute,
    /// CloseComplete.
    Close,
    /// Anything a simple query answers, up to ReadyForQuery.
    Query,
    /// FunctionCallResponse, then ReadyForQuery.
    Function,
    /// ReadyForQuery.
    Sync,
    /// Nothing: the client's CopyDone or CopyFail stands here in the stream.
    CopyEnd,
    /// Nothing: we owe a ParseComplete here, for a Parse that was not sent.
    MadeParse,
    /// Nothing: we owe a CloseComplete here.
    MadeClose,
}

impl Owed {
    /// True for replies that we make ourselves.
    #[inline]
    pub fn made(self) -> bool {
        matches!(self, Owed::MadeParse | Owed::MadeClose)
    }

    /// True for the ends of what a client has asked.
    #[inline]
    pub fn ends_batch(self) -> bool {
        matches!(self, Owed::Sync | Owed::Query | Owed::Function)
    }

    /// For the log of a misfit.
    pub fn name(self) -> &'static str {
        match self {
            Owed::Parse => "ParseComplete",
            Owed::Bind => "BindComplete",
            Owed::DescribeStatement => "ParameterDescription",
            Owed::DescribePortal => "RowDescription",
            Owed::Execute => "the end of Execute",
            Owed::Close => "CloseComplete",
            Owed::Query => "the answer to a query",
            Owed::Function => "FunctionCallResponse",
            Owed::Sync => "ReadyForQuery",
            Owed::CopyEnd | Owed::MadeParse | Owed::MadeClose => "nothing",
        }
    }
}

/// Who gets the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serve {
    /// The client.
    Client,
    /// Nobody; but an error goes to the client, as the error of the message it was put in for.
    Hidden,
    /// Nobody, errors included: the message was ours.
    Ours,
}

/// One entry. `statement` is the number of the shared statement concerned, 0 for none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What.
    pub owed: Owed,
    /// To whom.
    pub serve: Serve,
    /// The number the client's own books know the message by; 0 for none.
    pub serial: u32,
    /// For which shared statement.
    pub statement: u64,
}

impl Entry {
    /// A query that is noted with the unnamed statement it destroys, unless it is skipped.
    #[inline]
    pub fn is_in_doubt(&self) -> bool {
        self.owed == Owed::Query && self.statement != 0
    }
}
