import Archive
import Lake
import TableDays

/// How long a job is likely to take, before it begins.
package struct JobEstimate: Sendable {
  let context: JobContext

  package init(_ context: JobContext) {
    self.context = context
  }

  /// A restore takes longer than the backup of its rows: indexes, constraints and the commit. The factor is that of
  /// tables with a primary key and one more index.
  private static let restoreFactor = 3.0

  /// Seconds of a backup of `plan`; nil where no archive of its tables tells. Tables without one count as nothing.
  package func seconds(of plan: BackupPlan) async -> Double? {
    var days: [TableName: [TableDay]] = [:]
    for tableDay in await left(of: plan) { days[tableDay.table, default: []].append(tableDay) }
    var sum: Double?
    for list in days.values {
      guard let first = list.min(), let pace = await context.paces.pace(before: first, in: context.lake) else {
        continue
      }
      sum = (sum ?? 0) + pace.seconds * Double(list.count)
    }
    return sum.map { $0 / Double(min(context.admission.limit, max(plan.units.count, 1))) }
  }

  /// The table-days that have to be archived: what is there is skipped at once.
  private func left(of plan: BackupPlan) async -> [TableDay] {
    let all = plan.units.filter { !$0.overwrite }.map(\.tableDay)
    let again = plan.units.filter(\.overwrite).map(\.tableDay)
    guard let database = all.first?.database else { return again }
    guard all.count > Self.asked else {
      var left: [TableDay] = []
      for tableDay in all where (try? await tableDay.archive(in: context.lake)) == nil { left.append(tableDay) }
      return left + again
    }
    let archived = (try? await ArchiveCatalog(context.lake).days(database: database)) ?? [:]
    return all.filter { archived[$0.table]?.contains($0.day) != true } + again
  }

  /// Archives that are looked for one by one; for more the folder is listed.
  private static let asked = 8

  /// Seconds of a restore of `request`, by the manifests of its archives; nil where they do not tell. Of many archives a few are asked.
  package func seconds(of request: RestoreRequest, _ options: RestoreOptions) async -> Double? {
    guard let sources = try? await request.sources(context, options), !sources.isEmpty else { return nil }
    let step = max(1, sources.count / Self.sample)
    var known: [Double] = []
    for index in stride(from: 0, to: sources.count, by: step) {
      let source = sources[index]
      guard let entry = try? await source.lake.properties(of: source.path),
        let manifest = try? await ArchiveManifest.find(for: entry, in: source.lake).manifest,
        let seconds = manifest.seconds
      else { continue }
      known.append(seconds)
    }
    guard !known.isEmpty else { return nil }
    let mean = known.reduce(0, +) / Double(known.count)
    return mean * Double(sources.count) * Self.restoreFactor / Double(min(context.admission.limit, sources.count))
  }

  private static let sample = 5
}
