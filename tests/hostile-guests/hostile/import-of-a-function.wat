;; Wants a function of nobody's.
;; expect: load Import system
(component (import "system" (func (param "command" string))))
