package payment

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/stripe/stripe-go/v76"

	"irc.now/shared/fault"
	"irc.now/shared/fault/httpfault"
)

// ErrNoCustomer says that Stripe does not know the customer any more: it was deleted there. Whoever is one makes a new
// one with [Client.CreateCustomer].
var ErrNoCustomer = errors.New("there is no such customer at Stripe")

// faultOf gives an error of Stripe's a kind and a sentence, by its code. Stripe's own texts go to the log only: they
// speak to programmers.
func faultOf(err error, format string, args ...any) error {
	err = fmt.Errorf("stripe: "+format+": %w", append(args, err)...)
	refused, ok := errors.AsType[*stripe.Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case !ok, passing(refused):
		return fault.Wrap(err, fault.Unavailable,
			"Our payment service does not answer at the moment. Nothing was changed; please try again shortly.")
	case goneIs(refused, "customer"):
		return fmt.Errorf("%w: %w", ErrNoCustomer, err)
	case goneIs(refused, "[price]"):
		return fault.Wrap(err, fault.Unavailable,
			"We cannot sell this at the moment. Nothing was changed or charged; please try again later.")
	case refused.Type == stripe.ErrorTypeCard:
		return fault.Wrap(err, fault.Invalid,
			"Your card was declined, so nothing was changed. Choose Manage to use another card, then try again.")
	default:
		return err
	}
}

// passing reports whether the same may be taken later. Stripe answers 409 while the same object is worked on elsewhere.
func passing(refused *stripe.Error) bool {
	return refused.HTTPStatusCode == http.StatusConflict || httpfault.KindOf(refused.HTTPStatusCode).Temporary()
}

// goneIs reports whether Stripe refused because what the parameter names is not there. Stripe uses the same code where a
// customer has no card; then it blames no parameter.
func goneIs(refused *stripe.Error, param string) bool {
	return refused.Code == stripe.ErrorCodeResourceMissing && strings.HasSuffix(refused.Param, param)
}

// missing reports whether what was asked for is not there.
func missing(err error) bool {
	refused, ok := errors.AsType[*stripe.Error](err)
	return ok && refused.Code == stripe.ErrorCodeResourceMissing
}

// changeFault is [faultOf] for a change of a subscription: what Stripe refuses there is the customer's state, and no
// mistake of ours that anybody had to be woken for.
func changeFault(err error, subscription string) error {
	wrapped := faultOf(err, "change subscription %s", subscription)
	refused, ok := errors.AsType[*stripe.Error](err)
	if !ok || fault.KindOf(wrapped) != fault.Internal || errors.Is(wrapped, ErrNoCustomer) ||
		refused.Type != stripe.ErrorTypeInvalidRequest {
		return wrapped
	}
	switch {
	case refused.Code == stripe.ErrorCodeResourceMissing && refused.Param == "":
		return fault.Wrap(wrapped, fault.Conflict, "There is no card to charge. Choose Manage to add one, then try again. Nothing was changed.")
	case refused.Code == stripe.ErrorCodeResourceMissing:
		return fault.Wrap(wrapped, fault.Conflict, "Your subscription has changed meanwhile. Please look here again, then try again.")
	case refused.Code == stripe.ErrorCodeParameterUnknown, refused.Code == stripe.ErrorCodeParameterMissing,
		refused.HTTPStatusCode/100 != 4, refused.HTTPStatusCode == http.StatusUnauthorized, refused.HTTPStatusCode == http.StatusForbidden:
		return wrapped // a mistake of ours after all
	default:
		return fault.Wrap(wrapped, fault.Conflict,
			"Our payment service does not take this change while your subscription is as it is. Nothing was changed. Choose Manage to look at it.")
	}
}

// subscriptionRequiresAction is a code that the Stripe library has no name for.
const subscriptionRequiresAction stripe.ErrorCode = "subscription_payment_intent_requires_action"

// asksForTheBank reports whether a payment was refused only because its owner has to confirm it at their bank.
func asksForTheBank(err error) bool {
	refused, ok := errors.AsType[*stripe.Error](err)
	if !ok {
		return false
	}
	codes := []stripe.ErrorCode{
		stripe.ErrorCodeAuthenticationRequired, stripe.ErrorCodeInvoicePaymentIntentRequiresAction,
		stripe.ErrorCodePaymentIntentActionRequired, subscriptionRequiresAction,
	}
	return slices.Contains(codes, refused.Code) || refused.DeclineCode == stripe.DeclineCodeAuthenticationRequired
}
