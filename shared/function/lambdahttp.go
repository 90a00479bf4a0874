package function

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"irc.now/shared/telemetry"
)

// lambdaRequest makes the request that net/http would have made. Lambda's front ends have parsed it once, but
// what is in it still comes from strangers, so what net/http refuses is refused here too.
func lambdaRequest(ctx context.Context, in *events.APIGatewayV2HTTPRequest) (*http.Request, error) {
	body, err := lambdaBody(in)
	if err != nil {
		return nil, err
	}
	target, err := lambdaTarget(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, in.RequestContext.HTTP.Method, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("read request line: %w", err)
	}
	r.URL, r.RequestURI = target, target.RequestURI()
	r.ContentLength = int64(len(body))
	if protocol := in.RequestContext.HTTP.Protocol; protocol != "" {
		r.Proto = protocol
		r.ProtoMajor, r.ProtoMinor, _ = http.ParseHTTPVersion(protocol)
	}
	r.RemoteAddr = net.JoinHostPort(in.RequestContext.HTTP.SourceIP, "0")
	if err := lambdaHeaders(r, in); err != nil {
		return nil, err
	}
	// The caller's request id goes through every hop; Lambda's own stands in for it.
	if lc, ok := lambdacontext.FromContext(ctx); ok && r.Header.Get(telemetry.RequestIDHeader) == "" {
		r.Header.Set(telemetry.RequestIDHeader, lc.AwsRequestID)
	}
	return r, nil
}

func lambdaBody(in *events.APIGatewayV2HTTPRequest) ([]byte, error) {
	if !in.IsBase64Encoded {
		return []byte(in.Body), nil
	}
	body, err := base64.StdEncoding.DecodeString(in.Body)
	if err != nil {
		return nil, fmt.Errorf("decode body: %w", err)
	}
	return body, nil
}

// lambdaTarget parses path and query. API Gateway hands the path over decoded, Function URLs as it was sent.
func lambdaTarget(in *events.APIGatewayV2HTTPRequest) (*url.URL, error) {
	if !strings.HasPrefix(in.RawPath, "/") {
		return nil, errors.New("the path does not begin with a slash")
	}
	target, err := url.ParseRequestURI(in.RawPath)
	if err != nil || target.RawQuery != "" || target.ForceQuery || strings.ContainsAny(in.RawPath, "?#") {
		target = &url.URL{Path: in.RawPath}
	}
	target.RawQuery = in.RawQueryString
	return target, nil
}

// lambdaHeaders copies headers as they are: several values of one name come joined by commas, which is how
// HTTP joins them too, and cookies come apart.
func lambdaHeaders(r *http.Request, in *events.APIGatewayV2HTTPRequest) error {
	for name, value := range in.Headers {
		if !validHeader(name, value) {
			return fmt.Errorf("header %q is malformed", name)
		}
		r.Header.Set(name, value)
	}
	if len(in.Cookies) > 0 {
		cookies := strings.Join(in.Cookies, "; ")
		if !validHeader("Cookie", cookies) {
			return errors.New("a cookie is malformed")
		}
		r.Header.Set("Cookie", cookies)
	}
	r.Host = r.Header.Get("Host")
	if r.Host == "" {
		r.Host = in.RequestContext.DomainName
	}
	r.Header.Del("Host") // net/http keeps it in the request alone
	return nil
}

// validHeader refuses what would let a value end its line.
func validHeader(name, value string) bool {
	if name == "" || strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == ':' }) {
		return false
	}
	return !strings.ContainsFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f })
}

// lambdaAnswer gathers an answer, since it is handed over in one piece.
type lambdaAnswer struct {
	header http.Header
	status int
	sent   http.Header // header as it was when the status was written
	body   bytes.Buffer
}

func newLambdaAnswer() *lambdaAnswer { return &lambdaAnswer{header: http.Header{}} }

// Header is the header to be sent.
func (a *lambdaAnswer) Header() http.Header { return a.header }

// WriteHeader freezes the header; informational answers cannot be passed on.
func (a *lambdaAnswer) WriteHeader(status int) {
	if a.sent != nil || status < 200 {
		return
	}
	a.status, a.sent = status, a.header.Clone()
}

// Write appends to the body.
func (a *lambdaAnswer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	switch a.status {
	case http.StatusNoContent, http.StatusNotModified:
		return 0, http.ErrBodyNotAllowed
	}
	return a.body.Write(p)
}

// Flush does nothing: the answer goes out whole.
func (a *lambdaAnswer) Flush() {}

// response is the answer as Lambda wants it: cookies apart, other values joined, binary bodies in base64.
func (a *lambdaAnswer) response() *events.APIGatewayV2HTTPResponse {
	a.WriteHeader(http.StatusOK)
	body := a.body.Bytes()
	headers := maps.Clone(a.sent)
	if len(body) > 0 && headers.Get("Content-Type") == "" && headers.Get("Content-Encoding") == "" {
		headers.Set("Content-Type", http.DetectContentType(body))
	}
	out := &events.APIGatewayV2HTTPResponse{
		StatusCode: a.status, Headers: map[string]string{}, Cookies: append([]string{}, headers.Values("Set-Cookie")...),
	}
	headers.Del("Set-Cookie")
	for name, values := range headers {
		out.Headers[name] = strings.Join(values, ", ")
	}
	if isText(headers, body) {
		out.Body = string(body)
	} else {
		out.Body, out.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	}
	return out
}

// isText reports whether body survives being a JSON string and is meant as text.
func isText(headers http.Header, body []byte) bool {
	if encoding := headers.Get("Content-Encoding"); encoding != "" && encoding != "identity" || !utf8.Valid(body) {
		return false
	}
	kind, _, _ := mime.ParseMediaType(headers.Get("Content-Type"))
	return len(body) == 0 || strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "json") ||
		strings.HasSuffix(kind, "xml") || strings.HasSuffix(kind, "javascript") || kind == "application/x-www-form-urlencoded"
}
