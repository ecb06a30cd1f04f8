import Core

extension Grant {
    /// What a token allows. Names that cannot be a venue's are left out.
    init(_ claims: TokenClaims) {
        var roles: Roles = []
        for role in claims.roles {
            switch role {
            case .viewer: roles.insert(.viewer)
            case .trader: roles.insert(.trader)
            case .connector: roles.insert(.connector)
            case .admin: roles.insert(.admin)
            }
        }
        if claims.isSuperuser { roles.insert(.admin) }
        let accounts: [AccountNumber]? =
            switch claims.accounts {
            case .all: nil
            case .only(let numbers): numbers.compactMap { AccountNumber(exactly: $0) }
            }
        let venues: [Text]? =
            switch claims.venues {
            case nil: []
            case .all?: nil
            case .only(let names)?:
                names.contains("*")
                    ? nil
                    : names.compactMap { name in
                        var name = name
                        return name.withUTF8 { Text(bytes: UnsafeRawBufferPointer($0)) }
                    }
            }
        self.init(roles: roles, accounts: accounts, venues: venues)
    }
}
