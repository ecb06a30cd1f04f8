/// Exact arithmetic on prices, quantities and amounts. What decisions add up is below 2^110 in magnitude (`Balance.limit`), so that the sum of
/// a few amounts always fits 128 bits; products with a price or quantity are taken in 256 bits.
public enum Numbers {
    /// 10^exponent, 0...18.
    public static func powerOfTen(_ exponent: Int32) -> Int64 {
        invariant((0...18).contains(exponent), "decimal scale out of range")
        var result: Int64 = 1
        for _ in 0..<exponent { result *= 10 }
        return result
    }

    /// price x quantity in the quote asset; `nil` when it reaches 2^110.
    public static func amount(price: Price, quantity: Quantity, of info: InstrumentInfo) -> Amount? {
        scaled(Int128(price) * Int128(quantity), powerOfTen(18 - info.priceScale - info.quantityScale))
    }

    /// A quantity as an amount of the base asset.
    public static func amount(quantity: Quantity, of info: InstrumentInfo) -> Amount {
        Int128(quantity) * Int128(powerOfTen(18 - info.quantityScale))
    }

    /// AvgPx of fills: sum of LastPx x LastQty by the sum of LastQty (of an order CumQty), rounded half to even at the price scale.
    public static func averagePrice(cost: Int128, quantity: Int128) -> Price {
        quantity == 0 ? 0 : Price(roundedHalfEven(high: 0, low: UInt128(cost), by: UInt128(quantity.magnitude)))
    }

    /// Average entry price of a position, rounded half to even at the price scale.
    public static func averagePrice(cost: Amount, position: Quantity, of info: InstrumentInfo) -> Price {
        guard position != 0 else { return 0 }
        let unit = UInt128(powerOfTen(18 - info.priceScale - info.quantityScale)) * UInt128(position.magnitude)
        return Price(truncatingIfNeeded: roundedHalfEven(high: 0, low: UInt128(cost), by: unit))
    }

    /// `product` x `multiplier` when the result stays below 2^110 in magnitude.
    @inline(__always)
    static func scaled(_ product: Int128, _ multiplier: Int64) -> Amount? {
        let (result, overflow) = product.multipliedReportingOverflow(by: Int128(multiplier))
        return overflow || !inRange(result) ? nil : result
    }

    /// The product of three numbers that are not negative; `nil` when it reaches 2^110.
    @inline(__always)
    static func product(_ a: Int64, _ b: Int64, _ c: Int64) -> Amount? {
        let ab = UInt64(bitPattern: a).multipliedFullWidth(by: UInt64(bitPattern: b))
        let low = ab.low.multipliedFullWidth(by: UInt64(bitPattern: c))
        let high = ab.high.multipliedFullWidth(by: UInt64(bitPattern: c))
        let (top, overflow) = high.low.addingReportingOverflow(low.high)
        guard high.high == 0, !overflow, top < 1 << (110 - 64) else { return nil }
        return Amount(truncatingIfNeeded: UInt128(top) << 64 | UInt128(low.low))
    }

    /// amount x rate / 10^6; 0 <= amount < 2^110, 0 <= rate < 2^16. Two divisions of the processor: the standard library's takes ten times as long.
    @inline(__always)
    static func millionths(_ amount: Amount, _ rate: Int32, roundedUp: Bool) -> Amount {
        let product = UInt128(amount) &* UInt128(UInt32(rate)) &+ (roundedUp ? 999_999 : 0)
        let million: UInt64 = 1_000_000
        let (high, rest) = UInt64(truncatingIfNeeded: product >> 64).quotientAndRemainder(dividingBy: million)
        let low = million.dividingFullWidth((rest, UInt64(truncatingIfNeeded: product))).quotient
        return Amount(truncatingIfNeeded: UInt128(high) << 64 | UInt128(low))
    }

    /// Whether each is below an eighth of ``Balance/limit`` in magnitude, so that no sum of some of them can reach it.
    @inline(__always)
    static func areSmall(_ a: Amount, _ b: Amount, _ c: Amount, _ d: Amount, _ e: Amount) -> Bool {
        // The upper half, inverted where it is negative.
        func high(_ amount: Amount) -> Int64 {
            let high = Int64(truncatingIfNeeded: amount >> 64)
            return high ^ high >> 63
        }
        return high(a) | high(b) | high(c) | high(d) | high(e) < 1 << (110 - 3 - 64)
    }

    @inline(__always)
    static func inRange(_ amount: Amount) -> Bool { amount < Balance.limit && amount > -Balance.limit }

    /// amount x numerator / denominator, truncated toward zero; amount >= 0, 0 <= numerator <= denominator, denominator > 0.
    /// Whole multiples of the denominator first, then the rest, so that the processor's divisions do.
    static func share(of amount: Amount, _ numerator: UInt64, of denominator: UInt64) -> Amount {
        if numerator == denominator { return amount }
        let (low, high) = (UInt64(truncatingIfNeeded: amount), UInt64(truncatingIfNeeded: amount >> 64))
        let (wholeHigh, restHigh) = high.quotientAndRemainder(dividingBy: denominator)
        let (wholeLow, rest) = denominator.dividingFullWidth((restHigh, low))
        let part = denominator.dividingFullWidth(rest.multipliedFullWidth(by: numerator)).quotient
        let whole = UInt128(wholeHigh) << 64 | UInt128(wholeLow)
        return Amount(truncatingIfNeeded: whole &* UInt128(numerator) &+ UInt128(part))
    }

    /// The worth of a fee: amount of base asset x price, in the quote asset at 10^-18, rounded up (against the payer; a rebate toward zero).
    /// `nil` when it reaches 2^110.
    static func value(ofBase amount: Amount, price: Price, priceScale: Int32) -> Amount? {
        let divisor = UInt128(powerOfTen(priceScale))
        let product = amount.magnitude.multipliedFullWidth(by: UInt128(price))
        guard product.high < divisor else { return nil }
        let (quotient, remainder) = divisor.dividingFullWidth(product)
        guard quotient < UInt128(Balance.limit) - 1 else { return nil }
        return amount < 0 ? -Amount(quotient) : Amount(quotient) + (remainder == 0 ? 0 : 1)
    }

    private static func roundedHalfEven(high: UInt128, low: UInt128, by divisor: UInt128) -> UInt128 {
        let (quotient, remainder) = divisor.dividingFullWidth((high, low))
        let twice = remainder.addingReportingOverflow(remainder)
        if twice.overflow || twice.partialValue > divisor { return quotient + 1 }
        if twice.partialValue == divisor { return quotient + (quotient & 1) }
        return quotient
    }
}
