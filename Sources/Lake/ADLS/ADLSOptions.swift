package import HTTPClient

/// How much is in flight at a time, and for how long one request is tried.
package struct ADLSOptions: Sendable {
  /// Bytes of one append (`LAKE_APPEND_BYTES`).
  package var appendBytes = LakeOptions().appendBytes
  /// Appends in flight at a time, at most (`LAKE_APPENDS_IN_FLIGHT`).
  package var appendsInFlight = LakeOptions().appendsInFlight
  /// Bytes of one block that is read ahead.
  package var readBytes = 8 << 20
  /// Blocks read ahead, the one being read included.
  package var readsInFlight = 4
  /// Entries in one page of a listing; the service gives 5000 at most.
  package var pageSize = 5000
  /// How long each request may take.
  package var limits = TransferLimits()
  /// Which requests are tried again, and for how long.
  package var retries = RetryPolicy()
  /// The clock and the random numbers of retries.
  package var timer = RetryTimer.system

  /// Called for each request that failed and is tried again.
  package var onRetry: @Sendable (LakeEvent.Retry) -> Void = { _ in }
  /// Called for a temporary file that may be left: the service did not confirm that it was never made, or that it was
  /// removed.
  package var onLeftover: @Sendable (LakePath) -> Void = { _ in }

  /// The defaults.
  package init() {}
}
