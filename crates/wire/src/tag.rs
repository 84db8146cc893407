//! The first byte of a message, by direction. Manual: "Message Formats".

use std::fmt;

macro_rules! tags {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $byte:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vdoc])* $variant = $byte,)* }

        impl $name {
            /// The tag for a byte from the network; `None` where the protocol knows no such message.
            #[inline]
            pub const fn from_byte(byte: u8) -> Option<Self> {
                match byte { $($byte => Some(Self::$variant),)* _ => None }
            }
            /// The byte that stands on the wire.
            #[inline]
            pub const fn byte(self) -> u8 { self as u8 }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Self::$variant => write!(f, "{}({:?})", stringify!($variant), $byte as char),)* }
            }
        }
    };
}

tags! {
    /// What a client may send after its startup packet.
    FrontendTag {
        /// Bind a portal.
        Bind = b'B',
        /// Close a statement or portal.
        Close = b'C',
        /// A chunk of COPY data.
        CopyData = b'd',
        /// The end of COPY data.
        CopyDone = b'c',
        /// The client gives its COPY up.
        CopyFail = b'f',
        /// Describe a statement or portal.
        Describe = b'D',
        /// Run a portal.
        Execute = b'E',
        /// Send what is owed now.
        Flush = b'H',
        /// Fast-path function call.
        FunctionCall = b'F',
        /// Prepare a statement.
        Parse = b'P',
        /// Password, SASL or GSS response: one tag, told apart by the request.
        Password = b'p',
        /// Simple query.
        Query = b'Q',
        /// End of an extended batch.
        Sync = b'S',
        /// The client leaves.
        Terminate = b'X',
    }
}

tags! {
    /// What a server may send.
    BackendTag {
        /// Authentication request of any kind.
        Authentication = b'R',
        /// Key for cancelling.
        BackendKeyData = b'K',
        /// Answer to Bind.
        BindComplete = b'2',
        /// Answer to Close.
        CloseComplete = b'3',
        /// One statement is done; carries its tag.
        CommandComplete = b'C',
        /// A chunk of COPY data.
        CopyData = b'd',
        /// The end of COPY data.
        CopyDone = b'c',
        /// COPY FROM STDIN begins.
        CopyInResponse = b'G',
        /// COPY TO STDOUT begins.
        CopyOutResponse = b'H',
        /// Streaming replication begins.
        CopyBothResponse = b'W',
        /// One row.
        DataRow = b'D',
        /// Answer to an empty query string.
        EmptyQueryResponse = b'I',
        /// An error.
        ErrorResponse = b'E',
        /// Answer to FunctionCall.
        FunctionCallResponse = b'V',
        /// The server offers an older minor version or knows not all options.
        NegotiateProtocolVersion = b'v',
        /// Describe found no rows to come.
        NoData = b'n',
        /// A notice; comes at any time.
        NoticeResponse = b'N',
        /// LISTEN's news; comes at any time.
        NotificationResponse = b'A',
        /// Types of a statement's parameters.
        ParameterDescription = b't',
        /// A reported setting changed; comes at any time.
        ParameterStatus = b'S',
        /// Answer to Parse.
        ParseComplete = b'1',
        /// Execute stopped at its row limit.
        PortalSuspended = b's',
        /// The server takes the next command.
        ReadyForQuery = b'Z',
        /// Columns of the rows to come.
        RowDescription = b'T',
    }
}
