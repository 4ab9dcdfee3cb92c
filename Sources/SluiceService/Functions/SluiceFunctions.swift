import CustomHandler
import Foundation
import HTTPServer
import Sluice

/// The functions of Sluice: each HTTP route, timer and queue of `function-routes.json`, carried to its job.
public struct SluiceFunctions: Sendable {
  let context: JobContext
  let operations: OperationStore
  /// How long the host lets a function run; nil when there is no limit.
  let functionTimeout: Duration?

  /// The largest body in bytes that a server in front of the functions needs to take. The longest request there is, 1,600
  /// columns or some thousand tables by name, is well below; 16 MiB of JSON took ten seconds to read, and a few of them at
  /// once kept even the health check waiting.
  public static let maximumBodySize = 1 << 20

  /// - Parameter functionTimeout: the host's `functionTimeout`, nil without a limit or without a host.
  public init(context: JobContext, operations: OperationStore, functionTimeout: Duration? = nil) {
    self.context = context
    self.operations = operations
    self.functionTimeout = functionTimeout
  }

  /// All handlers, by the `handler` names of `function-routes.json`.
  public var handlers: FunctionHandlers {
    var handlers = FunctionHandlers()
    handlers.onHTTP("backup", backup)
    handlers.onHTTP("restore", restore)
    handlers.onHTTP("archives", archives)
    handlers.onHTTP("operation", operation)
    handlers.onHTTP("health", health)
    handlers.onEvent("nightly_backup", nightlyBackup)
    handlers.onEvent("backup_worker", backupWorker)
    handlers.onEvent("restore_worker", restoreWorker)
    return handlers
  }
}
