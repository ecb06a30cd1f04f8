enum HTML {
    /// For text and for attributes in either quotes.
    static func escape(_ text: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Escaped, and what stands between backticks set as code.
    static func prose(_ text: String) -> String {
        let parts = escape(text).split(separator: "`", omittingEmptySubsequences: false)
        // An odd number of backticks: the last one is only a sign.
        let pairs = (parts.count - 1) / 2
        return parts.enumerated().map { place, part in
            if place == 0 { return String(part) }
            if place > pairs * 2 { return "`" + part }
            return place % 2 == 1 ? "<code>\(part)</code>" : String(part)
        }.joined()
    }

    /// Escaped; microseconds get their sign, which JSON and terminals are spared.
    static func unit(_ unit: String) -> String { unit == "us" ? "µs" : escape(unit) }
}
