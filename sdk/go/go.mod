module plimsoll.io/sdk

go 1.24
