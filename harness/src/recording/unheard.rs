//! Why nothing, or nothing more, was heard of a connection.

/// What keeps a recorded connection from being judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FlowProblem {
    /// Its first bytes were sent before the recording began.
    #[error("the flow began before the capture")]
    Began,
    /// The server spoke before its client did, as with SMTP, SSH and MySQL.
    #[error("the server speaks first, so there is neither a ClientHello nor a request")]
    ServerFirst,
    /// The client speaks a protocol in which no host is named in clear.
    #[error("the client's first bytes are neither TLS nor HTTP/1 (hex {first})")]
    Bytes {
        /// The first of them, in hexadecimal.
        first: String,
    },
    /// HTTP/2 in clear.
    #[error("HTTP/2 without TLS, which is not read")]
    PlainHttp2,
    /// A ClientHello that no server would accept.
    #[error("the ClientHello cannot be read: {problem}")]
    ClientHello {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A request that no server would accept.
    #[error("the HTTP request cannot be read: {problem}")]
    Request {
        /// What is wrong with it.
        problem: String,
    },
    /// More bytes before the end of a request's headers than any proxy takes.
    #[error("the head of the request is longer than {limit} bytes")]
    TooLong {
        /// The most that is read.
        limit: usize,
    },
    /// What was sent through a `CONNECT` is there, but not that the proxy agreed.
    #[error("the proxy's answer to CONNECT was not recorded in a readable form")]
    NoAnswer,
    /// Bytes are missing in the middle.
    #[error("bytes of it are missing from the capture")]
    Gap,
    /// The capture kept only the beginning of each packet.
    #[error("its packets were captured only in part; capture with a larger snap length")]
    Snapped,
    /// The tap kept only the beginning.
    #[error("the tap kept only the first bytes; raise max_buffered_rx_bytes")]
    Truncated,
    /// The tap wrote bytes as text.
    #[error("the tap wrote its bytes as text, which damages them; set the format to JSON_BODY_AS_BYTES")]
    Text,
    /// Too many connections were open at once to wait for the rest of this one.
    #[error("too many flows were open at once to wait for the rest of this one")]
    Crowded,
    /// It ends, or the recording does, before the ClientHello or the request does.
    #[error("it ends before its ClientHello or request is complete")]
    CutOff,
}

/// Why packets were passed over that may have belonged to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum PacketProblem {
    /// Parts of larger packets.
    #[error("IP fragments, which are not put together")]
    Fragment,
    /// Packets of which the capture has not even the headers.
    #[error("cut off in their headers; capture with a larger snap length")]
    Short,
    /// Packets whose headers contradict themselves, or whose place in the file does.
    #[error("broken, or in a form that is not read")]
    Unreadable,
    /// IP inside something else.
    #[error("wrapped in a protocol that is not read (EtherType {ether_type:#06x})")]
    Wrapped {
        /// The protocol's number.
        ether_type: u16,
    },
    /// Not Ethernet, Linux' `any` device, loopback or raw IP.
    #[error("from a kind of interface that is not read (link type {link})")]
    Link {
        /// Its number in the registry of link types.
        link: i32,
    },
}
