import Foundation

/// An ETag and the time it was given.
struct Stamp {
  let etag: String
  let time: Date

  /// ETags look like the service's: `0x8D` and hundreds of nanoseconds, quoted. `serial` makes each one new.
  init(serial: Int, time: Date) {
    let ticks = UInt64(time.timeIntervalSince1970) << 20 &+ UInt64(serial)
    etag = "\"0x8D\(String(ticks & 0xF_FFFF_FFFF_FFFF, radix: 16, uppercase: true))\""
    self.time = time
  }
}
