import Essentials
import HTTPClient
import Identity
import Lake
import Sluice

extension Wiring {
  /// The lake of `LAKE_URL`, and how another place of a storage account is opened. A folder that is missing is made where
  /// the URL says so and `mayCreate`.
  /// - Throws: ``LakeError``, ``JobError`` `bad_setting`.
  static func lake(
    _ settings: Settings, mayCreate: Bool
  ) async throws -> (store: any LakeStore, open: (@Sendable (ADLSLocation) async throws -> any LakeStore)?) {
    switch settings.lake {
    case .folder(let path):
      let store = try await FolderStore(
        root: path, creating: mayCreate && settings.createsLake, options: folderOptions)
      return (store, nil)
    case .adls(let location):
      let transport = try transport(rootsFile: settings.lakeAccess.rootsFile)
      let open: @Sendable (ADLSLocation) throws -> any LakeStore = { location in
        ADLSStore(
          location, transport: transport, credential: try credential(settings.lakeAccess, for: location),
          options: options(settings.lakeAccess))
      }
      return (try open(location), open)
    }
  }

  /// Whether the lake at the settings' place is asked for with a token.
  static func needsLakeToken(_ settings: Settings) -> Bool {
    guard case .adls(let location) = settings.lake else { return false }
    return usesToken(settings.lakeAccess, for: location)
  }

  private static func credential(_ access: LakeAccess, for location: ADLSLocation) throws -> ADLSCredential {
    if !usesToken(access, for: location), let string = access.connectionString { return string.credential }
    return .bearer(try tokens())
  }

  /// A key or signature is for its own account: any other place is asked with a token.
  private static func usesToken(_ access: LakeAccess, for location: ADLSLocation) -> Bool {
    guard access.connectionString?.serves(location) == true else { return true }
    return switch access.authentication {
    case .entra: true
    case .connectionString: false
    case nil: DefaultCredential.isConfigured(environment)
    }
  }

  private static let leftover: @Sendable (LakePath) -> Void = { path in
    Log.write(.warning, "a temporary file may be left in the lake", ["path": path])
  }

  private static var folderOptions: FolderOptions {
    var options = FolderOptions()
    options.onLockWait = { path, holder in
      Log.write(.warning, "waiting for the lock of a folder of the lake", ["path": path, "holder": holder])
    }
    options.onLeftover = leftover
    options.onStrayLink = { path in
      Log.write(.warning, "a symbolic link in the lake is passed over", ["path": path])
    }
    return options
  }

  private static func options(_ access: LakeAccess) -> ADLSOptions {
    var options = ADLSOptions()
    options.appendBytes = access.appendBytes
    options.appendsInFlight = access.appendsInFlight
    options.limits.stall = .seconds(access.stallSeconds)
    options.retries.budget = .seconds(access.retrySeconds)
    options.onLeftover = leftover
    options.onRetry = { retry in
      Log.write(
        .warning, "a request to the lake failed and is tried again",
        [
          "path": retry.path, "operation": retry.operation, "reason": retry.reason, "tries": retry.tries,
          "wait_seconds": retry.wait.secondsToMilliseconds,
        ])
    }
    return options
  }
}
