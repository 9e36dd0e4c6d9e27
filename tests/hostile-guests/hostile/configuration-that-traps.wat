;; Gives up when it reads its configuration.
;; expect: load Config Trap unreachable
;; configure
unreachable
