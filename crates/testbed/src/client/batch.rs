//! Frontend messages, as bytes. Manual: "Message Formats".

/// Messages that are sent together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch(Vec<u8>);

/// A value for Bind or FunctionCall: `None` is NULL.
pub type Value<'a> = Option<&'a [u8]>;

impl Batch {
    /// No message yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Any message: a tag and its body.
    pub fn message(mut self, tag: u8, body: &[u8]) -> Self {
        self.0.push(tag);
        self.0.extend_from_slice(&length(body.len() + 4).to_be_bytes());
        self.0.extend_from_slice(body);
        self
    }

    /// Bytes as they are.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Query.
    pub fn query(self, sql: &str) -> Self {
        self.message(b'Q', &text(sql))
    }

    /// Parse; `types` are OIDs, 0 for unknown.
    pub fn parse(self, name: &str, sql: &str, types: &[u32]) -> Self {
        let mut body = text(name);
        body.extend(text(sql));
        body.extend(count(types.len()));
        body.extend(types.iter().flat_map(|oid| oid.to_be_bytes()));
        self.message(b'P', &body)
    }

    /// Bind with parameters as text and results as text.
    pub fn bind(self, portal: &str, statement: &str, values: &[Value<'_>]) -> Self {
        self.bind_as(portal, statement, &[], values, &[])
    }

    /// Bind with formats: none, one for all, or one each.
    pub fn bind_as(
        self,
        portal: &str,
        statement: &str,
        formats: &[u16],
        values: &[Value<'_>],
        results: &[u16],
    ) -> Self {
        let mut body = text(portal);
        body.extend(text(statement));
        body.extend(codes(formats));
        body.extend(count(values.len()));
        for value in values {
            push_value(&mut body, *value);
        }
        body.extend(codes(results));
        self.message(b'B', &body)
    }

    /// Describe; `kind` is `S` for a statement, `P` for a portal.
    pub fn describe(self, kind: u8, name: &str) -> Self {
        self.message(b'D', &named(kind, name))
    }

    /// Close; `kind` as in [`Self::describe`].
    pub fn close(self, kind: u8, name: &str) -> Self {
        self.message(b'C', &named(kind, name))
    }

    /// Execute; `rows` 0 is all of them.
    pub fn execute(self, portal: &str, rows: u32) -> Self {
        let mut body = text(portal);
        body.extend(rows.to_be_bytes());
        self.message(b'E', &body)
    }

    /// Sync.
    pub fn sync(self) -> Self {
        self.message(b'S', &[])
    }

    /// Flush.
    pub fn flush(self) -> Self {
        self.message(b'H', &[])
    }

    /// CopyData.
    pub fn copy_data(self, data: &[u8]) -> Self {
        self.message(b'd', data)
    }

    /// CopyDone.
    pub fn copy_done(self) -> Self {
        self.message(b'c', &[])
    }

    /// CopyFail.
    pub fn copy_fail(self, why: &str) -> Self {
        self.message(b'f', &text(why))
    }

    /// FunctionCall with all in text.
    pub fn function_call(self, oid: u32, values: &[Value<'_>]) -> Self {
        let mut body = oid.to_be_bytes().to_vec();
        body.extend(count(0));
        body.extend(count(values.len()));
        for value in values {
            push_value(&mut body, *value);
        }
        body.extend(count(0));
        self.message(b'F', &body)
    }

    /// PasswordMessage.
    pub fn password(self, password: &str) -> Self {
        self.message(b'p', &text(password))
    }

    /// Terminate.
    pub fn terminate(self) -> Self {
        self.message(b'X', &[])
    }

    /// A startup packet of any version.
    pub fn startup(self, major: u16, minor: u16, parameters: &[(String, String)]) -> Self {
        let mut body: Vec<u8> =
            parameters.iter().flat_map(|(name, value)| [text(name), text(value)].concat()).collect();
        body.push(0);
        self.untagged((u32::from(major) << 16) | u32::from(minor), &body)
    }

    /// SSLRequest.
    pub fn ssl_request(self) -> Self {
        self.untagged(80_877_103, &[])
    }

    /// GSSENCRequest.
    pub fn gssenc_request(self) -> Self {
        self.untagged(80_877_104, &[])
    }

    /// CancelRequest with a key as the server gave it.
    pub fn cancel(self, pid: u32, secret: &[u8]) -> Self {
        self.untagged(80_877_102, &[&pid.to_be_bytes(), secret].concat())
    }

    fn untagged(mut self, code: u32, body: &[u8]) -> Self {
        self.0.extend_from_slice(&length(body.len() + 8).to_be_bytes());
        self.0.extend_from_slice(&code.to_be_bytes());
        self.0.extend_from_slice(body);
        self
    }
}

fn text(text: &str) -> Vec<u8> {
    [text.as_bytes(), &[0]].concat()
}

fn named(kind: u8, name: &str) -> Vec<u8> {
    [&[kind], text(name).as_slice()].concat()
}

fn count(items: usize) -> [u8; 2] {
    u16::try_from(items).expect("at most 65,535 items fit a message").to_be_bytes()
}

fn codes(formats: &[u16]) -> Vec<u8> {
    count(formats.len()).into_iter().chain(formats.iter().flat_map(|code| code.to_be_bytes())).collect()
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a message has at most 4 GiB")
}

fn push_value(body: &mut Vec<u8>, value: Value<'_>) {
    match value {
        None => body.extend(u32::MAX.to_be_bytes()),
        Some(bytes) => {
            body.extend(length(bytes.len()).to_be_bytes());
            body.extend_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_counts_its_own_length_field() {
        assert_eq!(Batch::new().sync().bytes(), b"S\0\0\0\x04");
        assert_eq!(Batch::new().query("x").bytes(), b"Q\0\0\0\x06x\0");
    }

    #[test]
    fn null_has_length_minus_one() {
        let batch = Batch::new().bind("", "", &[None]);
        assert_eq!(batch.bytes(), b"B\0\0\0\x10\0\0\0\0\0\x01\xff\xff\xff\xff\0\0");
    }
}
