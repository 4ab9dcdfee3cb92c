package import HTTPServer

/// One function of the app.
package struct FunctionRoute: Sendable, Equatable {
  /// The function's name: that of its folder, and the path of its envelope calls.
  package let name: String
  /// What calls it.
  package let trigger: FunctionTrigger
  /// The name under which its code is registered.
  package let handler: String
  /// Of an HTTP function or a timer: the queue that its answers put jobs on. The host calls an HTTP function with one with an envelope.
  package var jobQueue: QueueOutput?

  /// What the host adds to a queue's name for the messages that it gives up.
  private static let poisonSuffix = "-poison"

  /// The queues that the function's answers may put messages on, beside its answer.
  package var outputs: [QueueOutput] {
    switch trigger {
    case .http, .timer: [jobQueue].compactMap(\.self)
    // What the host has given up goes no further.
    case .queue(let name, _) where name.hasSuffix(Self.poisonSuffix): []
    case .queue(let name, let connection):
      [
        // The queue to which the host itself moves a message that failed too often.
        QueueOutput(name: QueueOutput.poison, queue: name + Self.poisonSuffix, connection: connection),
        QueueOutput(name: QueueOutput.again, queue: name, connection: connection),
      ]
    }
  }
}

/// A queue that a function's answers put messages on.
package struct QueueOutput: Sendable, Equatable {
  /// The output binding's name, which is the member of the answer's `Outputs`.
  package let name: String
  package let queue: String
  /// The name of a setting, never a connection string.
  package let connection: String

  /// Of an HTTP function or a timer: the message that has its job done, or one for each part of it.
  package static let job = "job"
  /// Of a queue function: a message that can never succeed.
  package static let poison = "poison"
  /// Of a queue function: its own queue, for a message that has to wait.
  package static let again = "again"
}

/// What calls a function.
package enum FunctionTrigger: Sendable, Equatable {
  /// A request. `route` is the template under the route prefix, without a slash in front.
  case http(route: String, methods: [HTTPMethod], authLevel: AuthLevel)
  /// The clock, by a schedule of six fields or the name of a setting as `%NAME%`.
  case timer(schedule: String)
  /// A message. `connection` is the name of a setting, never a connection string.
  case queue(name: String, connection: String)

  /// The trigger without its settings.
  package var kind: Kind {
    switch self {
    case .http: .http
    case .timer: .timer
    case .queue: .queue
    }
  }

  /// The kinds, as `function-routes.json` names them.
  package enum Kind: String, Sendable, CaseIterable {
    /// A request.
    case http
    /// The clock.
    case timer
    /// A message.
    case queue

    /// The name of the trigger's binding in function.json, which is the member of the envelope's `Data` that holds it.
    var bindingName: String {
      switch self {
      case .http: "req"
      case .timer: "timer"
      case .queue: "message"
      }
    }
  }
}

/// Who may call an HTTP function. The Functions host checks its keys before a request comes here; without a host the
/// program's own key stands for both levels.
package enum AuthLevel: String, Sendable, CaseIterable {
  /// Anyone.
  case anonymous
  /// A caller with a key of the function or the app.
  case function
  /// A caller with the master key.
  case admin
}
