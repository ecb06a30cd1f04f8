import Core

/// Readers of one value each: bytes of an argument to a value of its kind, or the refusal that says what is wrong.
/// `name` is how the argument is called in refusals.
extension Arguments {
    // MARK: Numbers

    /// A whole number in `allowed`. Zero and negative bounds included; no sign is ever accepted.
    func whole(_ bytes: UnsafeRawBufferPointer, _ name: StaticString, _ allowed: ClosedRange<Int64>, expected: StaticString)
        throws(Refusal) -> Int64
    {
        let value = try int64(bytes, name, scale: 0)
        if value > allowed.upperBound, allowed.upperBound == Registry.accountNumberMax { throw .numberTooLarge(argument: name) }
        if !allowed.contains(value) { throw .badValue(argument: name, value: Text(cut: bytes), expected: expected) }
        return value
    }

    @inline(__always)
    func int64(_ bytes: UnsafeRawBufferPointer, _ name: StaticString, scale: Int) throws(Refusal) -> Int64 {
        do { return try DecimalText.int64(bytes, scale: scale) } catch { throw refusal(error, bytes, name, scale) }
    }

    private func refusal(_ fault: DecimalText.Fault, _ bytes: UnsafeRawBufferPointer, _ name: StaticString, _ scale: Int) -> Refusal {
        switch fault {
        case .badNumber: .badNumber(argument: name, value: Text(cut: bytes))
        case .tooManyDecimals: .tooManyDecimals(argument: name, max: scale)
        case .tooLarge: .numberTooLarge(argument: name)
        }
    }

    /// A price or quantity at its scale, above zero.
    @inline(__always)
    func positive(_ bytes: UnsafeRawBufferPointer, _ name: StaticString, scale: Int32) throws(Refusal) -> Int64 {
        let value = try int64(bytes, name, scale: Int(scale))
        if value == 0 { throw .badValue(argument: name, value: Text(cut: bytes), expected: "above_zero") }
        return value
    }

    /// A quantity at its scale, not zero, negative with a `-`.
    func signed(_ bytes: UnsafeRawBufferPointer, _ name: StaticString, scale: Int32) throws(Refusal) -> Int64 {
        let isNegative = bytes.first == UInt8(ascii: "-")
        let digits = isNegative ? UnsafeRawBufferPointer(rebasing: bytes[1...]) : bytes
        let value: Int64
        do { value = try DecimalText.int64(digits, scale: Int(scale)) } catch { throw refusal(error, bytes, name, Int(scale)) }
        if value == 0 { throw .badValue(argument: name, value: Text(cut: bytes), expected: "not_zero") }
        return isNegative ? -value : value
    }

    /// A rate of a fee in basis points, -10 to 100 with at most two decimals; in 10^-6.
    func basisPoints(_ key: OptionKey) throws(Refusal) -> Int32 {
        let bytes = bytes(key)
        let value: Int64
        do { value = try DecimalText.int64(bytes, scale: 2, signed: true) } catch { throw refusal(error, bytes, key.name, 2) }
        guard let rate = Int32(exactly: value), FeeRates.allowed.contains(rate) else {
            throw .badValue(argument: key.name, value: Text(cut: bytes), expected: "-10..100")
        }
        return rate
    }

    /// An amount at 10^-18, below 2^110 of these units.
    func amount(_ bytes: UnsafeRawBufferPointer, _ name: StaticString, signed: Bool = false) throws(Refusal) -> Amount {
        let value: Amount
        do { value = try DecimalText.int128(bytes, scale: 18, signed: signed) } catch { throw refusal(error, bytes, name, 18) }
        if value.magnitude >= LineParser.amountBound { throw .numberTooLarge(argument: name) }
        return value
    }

    func nonzeroAmount(_ bytes: UnsafeRawBufferPointer, _ name: StaticString, signed: Bool = false) throws(Refusal) -> Amount {
        let value = try amount(bytes, name, signed: signed)
        if value == 0 { throw .badValue(argument: name, value: Text(cut: bytes), expected: signed ? "not_zero" : "above_zero") }
        return value
    }

    /// Unix milliseconds, to microseconds. Zero is refused, because within the service it means "not given".
    func time(_ key: OptionKey) throws(Refusal) -> Timestamp {
        guard has(key) else { return 0 }
        return try whole(bytes(key), key.name, 1...Registry.accountNumberMax, expected: "unix_milliseconds") * 1_000
    }

    func account(_ bytes: UnsafeRawBufferPointer, _ name: StaticString = "account") throws(Refusal) -> AccountNumber {
        try whole(bytes, name, 1...Registry.accountNumberMax, expected: "1..9007199254740991")
    }

    /// An order by its number or by `id=`; the field that ``Arguments`` let stand as an argument.
    func order(_ index: Int) throws(Refusal) -> OrderReference {
        let bytes = self[index]
        if bytes.count >= 3, bytes[2] == UInt8(ascii: "=") {
            return .client(try text(UnsafeRawBufferPointer(rebasing: bytes[3...]), "id"))
        }
        return .order(try whole(bytes, "order", 1...Registry.accountNumberMax, expected: "order_id|id="))
    }

    func flag(_ key: OptionKey) throws(Refusal) -> Bool {
        guard has(key) else { return false }
        let bytes = bytes(key)
        if isWord(bytes, "1") { return true }
        if isWord(bytes, "0") { return false }
        throw .badValue(argument: key.name, value: Text(cut: bytes), expected: "0|1")
    }

    func limit() throws(Refusal) -> Int {
        guard has(.limit) else { return Query.limitDefault }
        return Int(try whole(bytes(.limit), "limit", 1...Int64(Query.limitMax), expected: "1..1000"))
    }

    // MARK: Texts

    /// `%XX` decoded, 1 to 36 bytes.
    func text(_ bytes: UnsafeRawBufferPointer, _ name: StaticString) throws(Refusal) -> Text {
        if !hasEscapes, !bytes.isEmpty, let text = Text(bytes: bytes) { return text }
        return try decoded(bytes, name)
    }

    @inline(never)
    private func decoded(_ bytes: UnsafeRawBufferPointer, _ name: StaticString) throws(Refusal) -> Text {
        var buffer = InlineArray<36, UInt8>(repeating: 0)
        var length = 0
        var index = 0
        while index < bytes.count {
            var byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "%") {
                guard index + 2 <= bytes.count, let high = hexValue(bytes[index]), let low = hexValue(bytes[index + 1]) else {
                    throw .badValue(argument: name, value: Text(cut: bytes), expected: "%XX")
                }
                byte = high << 4 | low
                index += 2
            }
            if length == Text.bytesMax { length += 1; break }
            buffer[length] = byte
            length += 1
        }
        guard length > 0, length <= Text.bytesMax else {
            throw .badValue(argument: name, value: Text(cut: bytes), expected: "1..36_bytes")
        }
        let text = withUnsafeBytes(of: &buffer) { Text(bytes: UnsafeRawBufferPointer(rebasing: $0[0..<length])) }
        return text ?? Text()
    }

    private func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// The option's text; empty when it is not given.
    @inline(__always)
    func text(_ key: OptionKey) throws(Refusal) -> Text {
        has(key) ? try text(bytes(key), key.name) : Text()
    }

    /// A symbol, asset, wallet or venue: 1 to 24 bytes of `A-Z a-z 0-9 . _ - / :`.
    func name(_ bytes: UnsafeRawBufferPointer, _ argument: StaticString) throws(Refusal) -> Text {
        var good = !bytes.isEmpty && bytes.count <= 24
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-")...UInt8(ascii: ":"),
                UInt8(ascii: "_"): break
            default: good = false
            }
        }
        guard good, let text = Text(bytes: bytes) else {
            throw .badValue(argument: argument, value: Text(cut: bytes), expected: "name")
        }
        return text
    }

    @inline(__always)
    func isWord(_ bytes: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        guard bytes.count == word.utf8CodeUnitCount else { return false }
        for index in 0..<bytes.count where bytes[index] != word.utf8Start[index] { return false }
        return true
    }

    /// `-` where a value may be absent.
    @inline(__always)
    func isDash(_ bytes: UnsafeRawBufferPointer) -> Bool { bytes.count == 1 && bytes[0] == UInt8(ascii: "-") }

    // MARK: Names of the registry

    func instrument(_ bytes: UnsafeRawBufferPointer, _ registry: borrowing Registry) throws(Refusal) -> InstrumentID {
        let symbol = try name(bytes, "symbol")
        guard let id = registry.instrument(symbol) else { throw .unknownInstrument(symbol) }
        return id
    }

    func asset(_ bytes: UnsafeRawBufferPointer, _ argument: StaticString, _ registry: borrowing Registry) throws(Refusal) -> AssetID {
        let asset = try name(bytes, argument)
        guard let id = registry.asset(asset) else { throw .unknownAsset(asset) }
        return id
    }

    func wallet(_ bytes: UnsafeRawBufferPointer, _ argument: StaticString, _ registry: borrowing Registry) throws(Refusal) -> WalletID {
        let wallet = try name(bytes, argument)
        guard let id = registry.wallet(wallet) else { throw .unknownWallet(wallet) }
        return id
    }

    /// The wallet an option names, by default the first.
    func wallet(_ key: OptionKey, _ registry: borrowing Registry) throws(Refusal) -> WalletID {
        if has(key) { return try wallet(bytes(key), key.name, registry) }
        if registry.wallets.isEmpty { throw .unknownWallet(Text("spot")) }
        return 0
    }

    func venue(_ bytes: UnsafeRawBufferPointer, _ registry: borrowing Registry) throws(Refusal) -> VenueID {
        let venue = try name(bytes, "venue")
        guard let id = registry.venue(venue) else { throw .unknownVenue(venue) }
        return id
    }
}
