package function

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"irc.now/shared/outbound"
)

// runtimeAPI is the variable that AWS Lambda names its Runtime API in (host:port).
const runtimeAPI = "AWS_LAMBDA_RUNTIME_API"

// lambdaStopPatience is what Lambda leaves between SIGTERM and SIGKILL, less a margin.
const lambdaStopPatience = 400 * time.Millisecond

// serveLambda starts the function, then answers invocations one at a time. It returns only where Start fails:
// Lambda ends the process otherwise.
func serveLambda(ctx context.Context, instance *Instance, env map[string]string) error {
	if err := instance.Start(ctx, env); err != nil {
		reportInitError(ctx, env[runtimeAPI], err)
		return fmt.Errorf("cannot start: %w", err)
	}
	lambda.StartWithOptions(invoker{instance}, lambda.WithEnableSIGTERM(func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), lambdaStopPatience)
		defer cancel()
		if err := instance.Stop(stopping); err != nil {
			instance.log.ErrorContext(stopping, "stop failed", "error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}))
	return nil
}

// invoker answers one invocation: a Function URL or API Gateway v2 request, which have the same shape.
type invoker struct{ handler http.Handler }

// Invoke answers every HTTP request with a response, an error of the function included; its own error means
// that the payload is no HTTP request.
func (v invoker) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, fmt.Errorf("read invocation: %w", err)
	}
	if in.Version != "2.0" || in.RequestContext.HTTP.Method == "" {
		return nil, fmt.Errorf("payload version %q is neither a Function URL nor an API Gateway v2 request; choose payload format 2.0", in.Version)
	}
	out := newLambdaAnswer()
	if r, err := lambdaRequest(ctx, &in); err == nil {
		serveAborting(v.handler, out, r)
	} else {
		http.Error(out, "This request cannot be read.", http.StatusBadRequest)
	}
	return json.Marshal(out.response())
}

// serveAborting stands in for net/http: there is no connection to cut, so an aborted answer becomes a plain 502.
func serveAborting(handler http.Handler, out *lambdaAnswer, r *http.Request) {
	defer func() {
		if reason := recover(); reason != nil {
			*out = *newLambdaAnswer()
			http.Error(out, "The answer was cut short. Please try again.", http.StatusBadGateway)
		}
	}()
	handler.ServeHTTP(out, r)
}

// reportInitError tells Lambda why there will be no invocation. A failure to do so is told by the exit code.
func reportInitError(ctx context.Context, api string, cause error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	body, err := json.Marshal(map[string]string{"errorType": "Function.StartFailed", "errorMessage": cause.Error()})
	if err != nil {
		return
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+api+"/2018-06-01/runtime/init/error", bytes.NewReader(body))
	if err != nil {
		return
	}
	request.Header.Set("Lambda-Runtime-Function-Error-Type", "Function.StartFailed")
	if response, err := outbound.Client(2 * time.Second).Do(request); err == nil {
		_ = response.Body.Close()
	}
}
