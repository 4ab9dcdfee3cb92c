import Essentials
import HTTPClient

/// One operation of the DFS endpoint, as it goes out.
struct ADLSCall: Sendable {
  /// What is done, in the words of an operator's message: `path: reading the properties failed: …`.
  enum Operation: String, Sendable {
    case create = "creating the file"
    case append = "appending"
    case flush = "flushing"
    /// The call's path is the destination.
    case rename = "renaming a file to it"
    case read = "reading"
    case list = "listing"
    case delete = "deleting"
    case look = "reading the properties"
    case makeFolder = "making the folder"

    /// Whether the reader's role is enough.
    var onlyReads: Bool { self == .read || self == .list || self == .look }
  }

  let operation: Operation
  let method: ClientRequest.Method
  /// Below the lake's root; nil is the root itself.
  let path: LakePath?
  /// Whether the URL ends at the filesystem, as a listing's does.
  var isOnFilesystem = false
  var query: [(name: String, value: String)] = []
  var fields = HTTPFields()
  var body: [UInt8] = []
  /// The statuses that mean it was done.
  let success: Set<Int>
  /// Bytes of the answer's body that are read at most.
  var answerLimit = 16 << 20
}

/// A whole answer to a call that was done.
struct ADLSAnswer: Sendable {
  let status: Int
  let fields: HTTPFields
  let body: [UInt8]
}

/// A refusal by the service that no further try changes.
struct ADLSRefusal: Error, Sendable, CustomStringConvertible {
  let status: Int
  /// The service's own name for it, from the header or the body; empty when it has none.
  let code: String
  /// The service's id of the request, for its support.
  let requestID: String

  /// For the retries' report of their last try.
  var description: String { "the service answers \(text)" }

  /// `404 PathNotFound (request 5e0…)`.
  var text: String {
    let name = code.isEmpty ? "\(status)" : "\(status) \(code)"
    return requestID.isEmpty ? name : "\(name) (request \(requestID))"
  }
}
