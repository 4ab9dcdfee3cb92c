package import Essentials

/// Connections to every target that the program's jobs name.
///
/// Each target has a pool of its own, so that a restore into another database does not mix with the rest, and beside it a
/// single connection for questions that must be answered while the pool is in use: readiness, who holds a lock. Callers
/// may name databases, so the number of targets kept is bounded: those that were used last stay.
package actor ConnectionPools {
  private struct Entry {
    let jobs: ConnectionPool
    let questions: ConnectionPool
    var users = 0
    var lastUse = 0
  }

  /// Targets kept at a time.
  static let maximumTargets = 32
  /// How long a caller waits to connect with a password of its own while others do.
  private static let ownPasswordPatience = Duration.seconds(30)

  private let passwords: any PasswordProvider
  private let maximum: Int
  private let options: ConnectionOptions
  private var entries: [PostgresTarget: Entry] = [:]
  private var uses = 0
  private var isClosed = false
  private nonisolated let ownPasswordSessions: Permits

  /// - Parameter maximum: connections of one target at a time, and, over all targets, connections made with a caller's own
  ///   password.
  package init(passwords: any PasswordProvider, maximum: Int, options: ConnectionOptions = ConnectionOptions()) {
    self.passwords = passwords
    self.maximum = maximum
    self.options = options
    ownPasswordSessions = Permits(maximum)
  }

  /// Targets with a pool at this moment.
  var targets: Set<PostgresTarget> { Set(entries.keys) }

  /// The connections of all targets' jobs.
  package func reading() async -> PoolReading {
    var all = PoolReading()
    for entry in entries.values {
      let one = await entry.jobs.reading
      all.idle += one.idle
      all.busy += one.busy
      all.waiting += one.waiting
    }
    return all
  }

  /// Runs `body` with a connection to `target`. One made for a password of the caller's own is not kept: another caller
  /// must not get in with it.
  /// - Throws: ``PostgresError``; whatever `body` throws.
  package func withConnection<Result: Sendable>(
    to target: PostgresTarget, ownPassword: Secret? = nil,
    _ body: @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    guard let ownPassword else { return try await withEntry(target) { try await $0.jobs.withConnection(body) } }
    do {
      return try await ownPasswordSessions.withPermit(within: Self.ownPasswordPatience) {
        try await withOwnSession(to: target, ownPassword, body)
      }
    } catch is Permits.Timeout {
      throw PostgresError.poolTimeout(target: target, seconds: Self.ownPasswordPatience.seconds)
    }
  }

  /// Runs `body` with a connection that no job waits for or holds. It is for short questions.
  /// - Parameter ownPassword: as the job signed in; the connection is then one of its own.
  /// - Throws: ``PostgresError``; whatever `body` throws.
  package func withQuestion<Result: Sendable>(
    to target: PostgresTarget, ownPassword: Secret? = nil,
    _ body: @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    guard let ownPassword else { return try await withEntry(target) { try await $0.questions.withConnection(body) } }
    return try await withOwnSession(to: target, ownPassword, body)
  }

  private func withEntry<Result: Sendable>(
    _ target: PostgresTarget, _ body: @Sendable (Entry) async throws -> Result
  ) async throws -> Result {
    let entry = try take(target)
    do {
      let result = try await body(entry)
      await leave(target)
      return result
    } catch {
      await leave(target)
      throw error
    }
  }

  private nonisolated func withOwnSession<Result: Sendable>(
    to target: PostgresTarget, _ password: Secret, _ body: @Sendable (PostgresConnection) async throws -> Result
  ) async throws -> Result {
    let connection = try await PostgresConnection.connect(to: target, password: password, options: options)
    do {
      let result = try await body(connection)
      await connection.close()
      return result
    } catch {
      await connection.close()
      throw error
    }
  }

  /// The target's entry, made at its first use, with one user more.
  private func take(_ target: PostgresTarget) throws -> Entry {
    guard !isClosed else { throw PostgresError.poolClosed }
    if entries[target] == nil {
      if entries.count >= Self.maximumTargets { try makeRoom(for: target) }
      entries[target] = Entry(
        jobs: ConnectionPool(target: target, passwords: passwords, maximum: maximum, options: options),
        questions: ConnectionPool(
          target: target, passwords: passwords, maximum: 1, options: options, waitLimit: .seconds(10)))
    }
    uses += 1
    entries[target]?.users += 1
    entries[target]?.lastUse = uses
    guard let entry = entries[target] else { throw PostgresError.poolClosed }
    return entry
  }

  /// One user less. A target that nobody could connect to is forgotten.
  private func leave(_ target: PostgresTarget) async {
    entries[target]?.users -= 1
    guard let entry = entries[target], entry.users == 0, await entry.jobs.isEmpty, await entry.questions.isEmpty,
      entries[target]?.users == 0
    else { return }
    await forget(target)
  }

  /// Lets go of the target that has been out of use the longest.
  private func makeRoom(for target: PostgresTarget) throws {
    let unused = entries.filter { $0.value.users == 0 }.min { $0.value.lastUse < $1.value.lastUse }
    guard let (oldest, entry) = unused, entries.removeValue(forKey: oldest) != nil else {
      throw PostgresError.tooManyTargets(target: target, limit: Self.maximumTargets)
    }
    Task {
      await entry.jobs.close()
      await entry.questions.close()
    }
  }

  private func forget(_ target: PostgresTarget) async {
    guard let entry = entries.removeValue(forKey: target) else { return }
    await entry.jobs.close()
    await entry.questions.close()
  }

  /// Closes all pools; no new connection is made.
  package func close() async {
    isClosed = true
    for target in entries.keys { await forget(target) }
  }
}
