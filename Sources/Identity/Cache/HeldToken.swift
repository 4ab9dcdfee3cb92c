import Essentials
import Foundation

/// A moment by two clocks: wall time, which expiries are given in, and one that never jumps.
struct CacheMoment: Sendable, Equatable {
  var wall: Date
  var uptime: Duration
}

/// A token in memory and its four ages: fresh, due for a refresh, close to its end, over.
struct HeldToken: Sendable, Equatable {
  let token: AccessToken
  private let received: CacheMoment
  /// Seconds from its receipt to its end.
  private let lifetime: Double
  /// Seconds before the end: from here on it is refreshed in the background.
  private let refreshAt: Double

  /// Seconds before the end that are left to clocks that differ and to the way to the service.
  private var skew: Double { min(60, lifetime * 0.1) }
  /// Seconds before the end: from here on callers wait for a new one. A token that was short-lived from its start, as a
  /// platform's cache may hand it out, is used for three quarters of what it has.
  private var margin: Double { min(300, lifetime * 0.25) }
  /// Not sooner than this after a refresh that failed is the next one tried.
  var pause: Duration { .seconds(min(30, lifetime * 0.1)) }

  /// - Parameter random: from 0 up to 1; spreads the refreshes of many processes over a minute.
  init(_ token: AccessToken, received: CacheMoment, random: Double) {
    self.token = token
    self.received = received
    let lifetime = max(0, token.expires.timeIntervalSince(received.wall))
    self.lifetime = lifetime
    let margin = min(300, lifetime * 0.25)
    let due: Double
    if let refresh = token.refresh {
      due = token.expires.timeIntervalSince(refresh)
    } else if lifetime >= 7200 {
      due = lifetime / 2
    } else {
      // As long again before callers would have to wait, so that they rarely do.
      due = 2 * margin
    }
    refreshAt = max(margin, min(due, lifetime) - random * min(60, lifetime * 0.05))
  }

  /// Seconds left; the earlier by either clock, since the wall's may have been set back.
  func remaining(at now: CacheMoment) -> Double {
    min(token.expires.timeIntervalSince(now.wall), lifetime - (now.uptime - received.uptime).seconds)
  }

  /// Whether it may still be used.
  func serves(at now: CacheMoment) -> Bool { remaining(at: now) > skew }

  /// Whether a new one is to be asked for.
  func isDue(at now: CacheMoment) -> Bool { remaining(at: now) <= refreshAt }

  /// Whether callers wait for the new one.
  func isClose(at now: CacheMoment) -> Bool { remaining(at: now) <= margin }
}
