;; Gives up.
;; expect: run Trap unreachable
;; body
unreachable
