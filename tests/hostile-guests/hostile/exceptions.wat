;; Exceptions.
;; expect: load
;; declarations
(tag $t)
(func (throw $t))
